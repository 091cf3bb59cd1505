//! JSON strings: where they end, and what their escapes stand for.

use crate::json::Garbled;

/// Where the string that begins at `at`, behind its quote, ends, and whether it holds a backslash.
///
/// The position is that of the closing quote. Fails for control characters and a string that does not end.
#[inline]
pub fn end_of(body: &[u8], mut at: usize) -> Result<(usize, bool), Garbled> {
    let mut escaped = false;
    loop {
        at = next_special(body, at);
        match body.get(at) {
            Some(b'"') => return Ok((at, escaped)),
            Some(b'\\') => {
                escaped = true;
                at += 2; // whatever follows is looked at by `unescaped`
            }
            _ => return Err(Garbled),
        }
    }
}

/// The next quote, backslash or control character at or after `at`; the length of `body` if there is none.
#[inline]
fn next_special(body: &[u8], mut at: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::*;
        while body.len() >= 16 && at <= body.len() - 16 {
            // SAFETY: SSE2 belongs to x86-64, and 16 bytes from `at` lie within `body`.
            let hits = unsafe {
                let chunk = _mm_loadu_si128(body.as_ptr().add(at).cast());
                let quotes = _mm_cmpeq_epi8(chunk, _mm_set1_epi8(b'"' as i8));
                let slashes = _mm_cmpeq_epi8(chunk, _mm_set1_epi8(b'\\' as i8));
                let controls = _mm_cmpeq_epi8(_mm_min_epu8(chunk, _mm_set1_epi8(0x1f)), chunk);
                _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, slashes), controls)) as u32
            };
            if hits != 0 {
                return at + hits.trailing_zeros() as usize;
            }
            at += 16;
        }
    }
    while let Some(&byte) = body.get(at) {
        if byte == b'"' || byte == b'\\' || byte < 0x20 {
            return at;
        }
        at += 1;
    }
    body.len()
}

/// Append the text that `raw` (valid UTF-8, without its quotes) stands for. Half a surrogate pair becomes U+FFFD.
pub fn unescape(raw: &[u8], into: &mut Vec<u8>) -> Result<(), Garbled> {
    let mut at = 0;
    while at < raw.len() {
        let plain = next_special(raw, at);
        into.extend_from_slice(&raw[at..plain]);
        at = plain;
        if at == raw.len() {
            break;
        }
        let Some(&escape) = raw.get(at + 1) else { return Err(Garbled) };
        at += 2;
        let byte = match escape {
            b'"' | b'\\' | b'/' => escape,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let unit = unit_at(raw, at)?;
                at += 4;
                let code = match unit {
                    0xD800..=0xDBFF => match low_at(raw, at)? {
                        Some(low) => {
                            at += 6;
                            0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
                        }
                        None => 0xFFFD,
                    },
                    _ => unit, // a low half by itself is no character either
                };
                let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                into.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            _ => return Err(Garbled),
        };
        into.push(byte);
    }
    Ok(())
}

/// Check the escapes of a string that nobody wants.
pub fn check(raw: &[u8]) -> Result<(), Garbled> {
    let mut at = 0;
    while at < raw.len() {
        if raw[at] != b'\\' {
            at += 1;
            continue;
        }
        match raw.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at += 2,
            Some(b'u') => {
                unit_at(raw, at + 2)?;
                at += 6;
            }
            _ => return Err(Garbled),
        }
    }
    Ok(())
}

fn unit_at(raw: &[u8], at: usize) -> Result<u32, Garbled> {
    let digits = raw.get(at..at + 4).ok_or(Garbled)?;
    digits.iter().try_fold(0, |unit, digit| {
        let value = (*digit as char).to_digit(16).ok_or(Garbled)?;
        Ok(unit << 4 | value)
    })
}

fn low_at(raw: &[u8], at: usize) -> Result<Option<u32>, Garbled> {
    if raw.get(at..at + 2) != Some(b"\\u") {
        return Ok(None);
    }
    let unit = unit_at(raw, at + 2)?;
    Ok((0xDC00..=0xDFFF).contains(&unit).then_some(unit))
}
