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
        let rest = body.get(at..)?;
        // Two blocks at any rate: nearly all names fit, and it is quicker than to ask.
        let is_there = self.is_in::<2>(rest) && (self.length <= 2 * BLOCK || self.is_in::<BLOCKS>(rest));
        if is_there && self.length > 0 { Some(at + self.length) } else { None }
    }

    #[inline(always)]
    fn is_in<const COMPARED: usize>(&self, rest: &[u8]) -> bool {
        let (found, _) = rest.as_chunks::<BLOCK>();
        if found.len() < COMPARED {
            return false;
        }
        let pairs = found[..COMPARED].iter().zip(&self.blocks[..COMPARED]);
        pairs.fold(0, |differing, (found, own)| differing | ((u128::from_ne_bytes(*found) ^ own.text) & own.mask)) == 0
    }
}
