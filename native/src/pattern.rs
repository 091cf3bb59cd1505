//! Short texts that are looked for at one place, again and again.

use std::array;

const BLOCK: usize = 16;
const BLOCKS: usize = 6;

#[derive(Clone, Copy, Default)]
struct Block {
    text: u128,
    /// Zero where the text does not reach.
    mask: u128,
}

/// A text of up to 96 bytes, kept where it is compared: a block at a time, with what is past its end masked away.
#[derive(Clone, Copy, Default)]
#[repr(C)] // its length beside its first blocks
pub struct Pattern {
    length: usize,
    blocks: [Block; BLOCKS],
}

impl Pattern {
    /// Any byte, then `text`; what is found nowhere, if that is empty or too long.
    pub fn behind_a_byte(text: &[u8]) -> Pattern {
        if text.is_empty() {
            return Pattern::default();
        }
        let mut pattern = Pattern::of(&[&[0], text].concat());
        pattern.blocks[0].mask &= u128::from_ne_bytes(array::from_fn(|at| if at == 0 { 0 } else { 0xff }));
        pattern
    }

    /// `text`; what is found nowhere, if that is empty or too long.
    pub fn of(text: &[u8]) -> Pattern {
        if text.len() > BLOCK * BLOCKS {
            return Pattern::default();
        }
        let block = |number: usize| Block {
            text: u128::from_ne_bytes(array::from_fn(|at| text.get(BLOCK * number + at).copied().unwrap_or(0))),
            mask: u128::from_ne_bytes(array::from_fn(|at| if BLOCK * number + at < text.len() { 0xff } else { 0 })),
        };
        Pattern { length: text.len(), blocks: array::from_fn(block) }
    }

    /// The position after the pattern if `body` has it at `at`. Close to the end of `body` it may be overlooked.
    #[inline(always)]
    pub fn after(&self, body: &[u8], at: usize) -> Option<usize> {
        // Two blocks at any rate: nearly all names fit, and it is quicker than to ask.
        let is_there = self.is_at::<2>(body, at) && (self.length <= 2 * BLOCK || self.is_at::<BLOCKS>(body, at));
        if is_there && self.length > 0 { Some(at + self.length) } else { None }
    }

    #[inline(always)]
    fn is_at<const COMPARED: usize>(&self, body: &[u8], at: usize) -> bool {
        if body.len() < COMPARED * BLOCK || at > body.len() - COMPARED * BLOCK {
            return false;
        }
        #[cfg(target_arch = "x86_64")]
        {
            use core::arch::x86_64::*;
            // SAFETY: SSE2 belongs to x86-64; all blocks that are compared lie within `body`, as was just seen.
            unsafe {
                let from = body.as_ptr().add(at).cast::<__m128i>();
                let mut differing = _mm_setzero_si128();
                for (number, own) in self.blocks[..COMPARED].iter().enumerate() {
                    let text = _mm_loadu_si128((&raw const own.text).cast());
                    let mask = _mm_loadu_si128((&raw const own.mask).cast());
                    let found = _mm_loadu_si128(from.add(number));
                    differing = _mm_or_si128(differing, _mm_and_si128(_mm_xor_si128(found, text), mask));
                }
                _mm_movemask_epi8(_mm_cmpeq_epi8(differing, _mm_setzero_si128())) == 0xffff
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            let (found, _) = body[at..].as_chunks::<BLOCK>();
            let pairs = found[..COMPARED].iter().zip(&self.blocks[..COMPARED]);
            pairs.fold(0, |differing, (found, own)| differing | ((u128::from_ne_bytes(*found) ^ own.text) & own.mask))
                == 0
        }
    }
}
