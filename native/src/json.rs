//! The grammar of JSON (RFC 8259) as far as a page needs it, and no wider.

use crate::text;

/// The body is cut, or is no JSON.
#[derive(Debug, PartialEq, Eq)]
pub struct Garbled;

/// How deeply members that nobody wants may be nested.
const DEEPEST: usize = 1024;

/// A number, as its digits have it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// Without point and exponent, and of 64 bits.
    Whole(i64),
    /// With point or exponent, or a whole number beyond 64 bits.
    Real(f64),
}

/// The first position at or after `at` that holds no white space.
#[inline]
pub fn past_space(body: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = body.get(at) {
        at += 1;
    }
    at
}

/// The position after `byte`, which has to be at `at`.
#[inline]
pub fn expect(body: &[u8], at: usize, byte: u8) -> Result<usize, Garbled> {
    if body.get(at) == Some(&byte) { Ok(at + 1) } else { Err(Garbled) }
}

/// The position after `word`, which has to be at `at`.
#[inline]
pub fn expect_word(body: &[u8], at: usize, word: &[u8]) -> Result<usize, Garbled> {
    if body[at..].starts_with(word) { Ok(at + word.len()) } else { Err(Garbled) }
}

/// The number at `start`, and the position after it. One beyond the range of a double is none.
#[inline]
pub fn number(body: &[u8], start: usize) -> Result<(Number, usize), Garbled> {
    let negative = body.get(start) == Some(&b'-');
    let first = start + usize::from(negative);
    let mut at = first;
    let mut value: u64 = 0;
    let next = loop {
        let byte = body.get(at).copied().unwrap_or(0);
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break byte;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    };
    let digits = at - first;
    if digits == 0 || (digits > 1 && body[first] == b'0') {
        return Err(Garbled);
    }
    if next == b'.'
        && let Some(found) = decimal(body, negative, value, digits, at)
    {
        return Ok(found);
    }
    if matches!(next, b'.' | b'e' | b'E') {
        return real(body, start, at);
    }
    if digits <= 18 {
        let value = value as i64;
        return Ok((Number::Whole(if negative { -value } else { value }), at));
    }
    // 19 digits may still fit.
    if let Some(value) = std::str::from_utf8(&body[start..at]).ok().and_then(|digits| digits.parse().ok()) {
        return Ok((Number::Whole(value), at));
    }
    let (value, after) = real(body, start, at)?;
    if after == at { Ok((value, at)) } else { Err(Garbled) }
}

/// Powers of ten that a double holds exactly.
const TENS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// The number that eight digits make, taken pair by pair, four by four, all at once.
#[inline]
fn eight_digits(bytes: &[u8; 8]) -> Option<u64> {
    let digits = u64::from_le_bytes(*bytes) ^ 0x3030_3030_3030_3030;
    if (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    let pairs = (digits.wrapping_mul(10).wrapping_add(digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100).wrapping_add(pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours.wrapping_mul(10_000).wrapping_add(fours >> 32)) & 0xffff_ffff)
}

/// A number of few digits, whose point is at `at`, without exponent: two doubles that are exact have a quotient that is
/// rounded once (Clinger, "How to read floating point numbers accurately").
#[inline]
fn decimal(body: &[u8], negative: bool, mut value: u64, digits: usize, at: usize) -> Option<(Number, usize)> {
    let mut after = at + 1;
    while let Some(eight) = body.get(after..after + 8).and_then(|bytes| bytes.first_chunk()).and_then(eight_digits) {
        value = value.wrapping_mul(100_000_000).wrapping_add(eight);
        after += 8;
    }
    let next = loop {
        let byte = body.get(after).copied().unwrap_or(0);
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break byte;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        after += 1;
    };
    let fraction = after - at - 1;
    if fraction == 0 || digits + fraction > 16 || value > 1 << 53 || matches!(next, b'e' | b'E') {
        return None;
    }
    let quotient = value as f64 / TENS[fraction];
    Some((Number::Real(if negative { -quotient } else { quotient }), after))
}

/// A number whose point or exponent, if it has one, is at `at`.
#[inline]
fn real(body: &[u8], start: usize, at: usize) -> Result<(Number, usize), Garbled> {
    let (value, length) = fast_float2::parse_partial::<f64, _>(&body[start..]).map_err(|_| Garbled)?;
    let after = start + length;
    // The parser takes `1.` for a number, and `1e` for one that ends before its exponent.
    let is_whole = match body.get(at) {
        Some(b'.') => matches!(body.get(at + 1), Some(b'0'..=b'9')) && !matches!(body.get(after), Some(b'e' | b'E')),
        Some(b'e' | b'E') => after > at,
        _ => true,
    };
    if is_whole && value.is_finite() { Ok((Number::Real(value), after)) } else { Err(Garbled) }
}

/// The position after the value at `at`, whatever it is.
#[inline]
pub fn skip(body: &[u8], at: usize) -> Result<usize, Garbled> {
    match body.get(at) {
        Some(b'"') => skip_string(body, at + 1),
        Some(b'{' | b'[') => skip_nested(body, at),
        Some(b't') => expect_word(body, at, b"true"),
        Some(b'f') => expect_word(body, at, b"false"),
        Some(b'n') => expect_word(body, at, b"null"),
        Some(_) => Ok(number(body, at)?.1),
        None => Err(Garbled),
    }
}

fn skip_string(body: &[u8], at: usize) -> Result<usize, Garbled> {
    Ok(text::end_of(body, at)?.0 + 1)
}

/// Without recursion: a hostile page must not exhaust the stack.
fn skip_nested(body: &[u8], mut at: usize) -> Result<usize, Garbled> {
    let mut open: Vec<u8> = Vec::new();
    loop {
        // A value is due.
        match body.get(at) {
            Some(opening @ (b'{' | b'[')) => {
                if open.len() == DEEPEST {
                    return Err(Garbled);
                }
                let closing = opening + 2; // in ASCII
                open.push(closing);
                at = past_space(body, at + 1);
                if body.get(at) == Some(&closing) {
                    // Empty: it is closed below.
                } else {
                    if closing == b'}' {
                        at = skip_name(body, at)?;
                    }
                    continue;
                }
            }
            _ => at = past_space(body, skip(body, at)?),
        }
        // A value has ended, or an empty one is about to.
        loop {
            let Some(&closing) = open.last() else { return Ok(at) };
            match body.get(at) {
                Some(&byte) if byte == closing => {
                    open.pop();
                    if open.is_empty() {
                        return Ok(at + 1);
                    }
                    at = past_space(body, at + 1);
                }
                Some(b',') => {
                    at = past_space(body, at + 1);
                    if closing == b'}' {
                        at = skip_name(body, at)?;
                    }
                    break;
                }
                _ => return Err(Garbled),
            }
        }
    }
}

fn skip_name(body: &[u8], at: usize) -> Result<usize, Garbled> {
    let at = skip_string(body, expect(body, at, b'"')?)?;
    let at = expect(body, past_space(body, at), b':')?;
    Ok(past_space(body, at))
}
