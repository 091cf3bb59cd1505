//! JSON strings: where they end, and what their escapes stand for.

use crate::json::Garbled;

/// Where the string that begins at `at`, behind its quote, ends, and whether it holds a backslash.
///
/// The position is that of the closing quote. Fails for control characters, what is no escape, and a string that does
/// not end.
#[inline]
pub fn end_of(body: &[u8], mut at: usize) -> Result<(usize, bool), Garbled> {
    let mut escaped = false;
    #[cfg(target_arch = "x86_64")]
    'chunks: while at + 16 <= body.len() {
        // SAFETY: 16 bytes from `at` lie within `body`.
        let mut hits = special(unsafe { core::arch::x86_64::_mm_loadu_si128(body.as_ptr().add(at).cast()) });
        while hits != 0 {
            let hit = hits.trailing_zeros() as usize;
            match body[at + hit] {
                b'"' => return Ok((at + hit, escaped)),
                b'\\' => {
                    escaped = true;
                    let after = past_escape(body, at + hit)?;
                    if after >= at + 16 {
                        at = after;
                        continue 'chunks;
                    }
                    hits &= u32::MAX << (after - at);
                }
                _ => return Err(Garbled),
            }
        }
        at += 16;
    }
    loop {
        match body.get(at) {
            Some(b'"') => return Ok((at, escaped)),
            Some(b'\\') => {
                escaped = true;
                at = past_escape(body, at)?;
            }
            Some(0x20..) => at += 1,
            _ => return Err(Garbled),
        }
    }
}

/// The position after the escape whose backslash is at `at`.
#[inline]
fn past_escape(body: &[u8], at: usize) -> Result<usize, Garbled> {
    match body.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => unit_at(body, at + 2).map(|_| at + 6),
        _ => Err(Garbled),
    }
}

/// Append the string that begins at `at`, behind its quote; the position after its closing quote.
///
/// Where nothing is escaped, its bytes are looked at and copied in one go. A string that fails leaves `into` longer.
#[inline(always)]
pub fn append(body: &[u8], mut at: usize, into: &mut Vec<u8>) -> Result<usize, Garbled> {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::*;
        while at + 16 <= body.len() {
            into.reserve(16);
            // SAFETY: SSE2 belongs to x86-64; 16 bytes from `at` lie within `body`, and as many fit behind the end of
            // `into`, of which only those that were written become part of it.
            unsafe {
                let chunk = _mm_loadu_si128(body.as_ptr().add(at).cast());
                _mm_storeu_si128(into.as_mut_ptr().add(into.len()).cast(), chunk);
                let hits = special(chunk);
                if hits == 0 {
                    into.set_len(into.len() + 16);
                    at += 16;
                    continue;
                }
                let plain = hits.trailing_zeros() as usize;
                into.set_len(into.len() + plain);
                at += plain;
            }
            if body[at] == b'"' {
                return Ok(at + 1);
            }
            break;
        }
    }
    append_slowly(body, at, into)
}

#[cold]
fn append_slowly(body: &[u8], at: usize, into: &mut Vec<u8>) -> Result<usize, Garbled> {
    let (end, escaped) = end_of(body, at)?;
    if escaped {
        unescape(&body[at..end], into)?;
    } else {
        into.extend_from_slice(&body[at..end]);
    }
    Ok(end + 1)
}

/// Which of 16 bytes are a quote, a backslash or a control character, a bit each.
#[cfg(target_arch = "x86_64")]
#[inline]
fn special(chunk: core::arch::x86_64::__m128i) -> u32 {
    use core::arch::x86_64::*;
    // SAFETY: SSE2 belongs to x86-64.
    unsafe {
        let quotes = _mm_cmpeq_epi8(chunk, _mm_set1_epi8(b'"' as i8));
        let slashes = _mm_cmpeq_epi8(chunk, _mm_set1_epi8(b'\\' as i8));
        let controls = _mm_cmpeq_epi8(_mm_min_epu8(chunk, _mm_set1_epi8(0x1f)), chunk);
        _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, slashes), controls)) as u32
    }
}

/// The next quote, backslash or control character at or after `at`; the length of `body` if there is none.
#[inline]
fn next_special(body: &[u8], mut at: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::_mm_loadu_si128;
        while at + 16 <= body.len() {
            // SAFETY: 16 bytes from `at` lie within `body`.
            let hits = special(unsafe { _mm_loadu_si128(body.as_ptr().add(at).cast()) });
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
