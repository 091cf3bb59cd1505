//! The types of the Entity Data Model that a table can hold, and how their texts are read.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// A type, as annotations name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    String,
    Int32,
    Int64,
    Double,
    Boolean,
    DateTime,
    Guid,
    Binary,
}

impl Kind {
    const ALL: [(Kind, &'static str); 8] = [
        (Kind::String, "Edm.String"),
        (Kind::Int32, "Edm.Int32"),
        (Kind::Int64, "Edm.Int64"),
        (Kind::Double, "Edm.Double"),
        (Kind::Boolean, "Edm.Boolean"),
        (Kind::DateTime, "Edm.DateTime"),
        (Kind::Guid, "Edm.Guid"),
        (Kind::Binary, "Edm.Binary"),
    ];

    /// The type of that name, if it is one of ours.
    pub fn of(name: &[u8]) -> Option<Kind> {
        Self::ALL.iter().find(|(_, own)| own.as_bytes() == name).map(|(kind, _)| *kind)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).expect("every kind is listed").1
    }
}

/// A whole number written as text: a sign perhaps, and digits.
pub fn integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    if digits.len() <= 18 {
        // Which can be no more than 64 bits hold.
        let mut value = 0i64;
        for byte in digits {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            value = value * 10 + i64::from(digit);
        }
        return Some(if negative { -value } else { value });
    }
    digits.iter().try_fold(0i64, |value, byte| {
        let digit = i64::from(byte.wrapping_sub(b'0'));
        if digit > 9 {
            return None;
        }
        // Downwards for negative ones: the least has no positive counterpart.
        value.checked_mul(10)?.checked_add(if negative { -digit } else { digit })
    })
}

/// A double written as text.
pub fn double(text: &[u8]) -> Option<f64> {
    match text {
        b"NaN" => Some(f64::NAN),
        b"Infinity" => Some(f64::INFINITY),
        b"-Infinity" => Some(f64::NEG_INFINITY),
        _ => match crate::json::number(text, 0) {
            Ok((number, end)) if end == text.len() => Some(match number {
                crate::json::Number::Real(value) => value,
                // Through its digits, for `-0` is no integer.
                crate::json::Number::Whole(_) => fast_float2::parse(text).ok()?,
            }),
            _ => None,
        },
    }
}

/// What a fraction of so many digits is multiplied by to be microseconds.
const SCALES: [i64; 7] = [1_000_000, 100_000, 10_000, 1000, 100, 10, 1];

/// A moment in microseconds since 1970; what is finer is cut.
pub fn moment(text: &[u8]) -> Option<i64> {
    let (date, rest) = text.split_first_chunk::<19>()?;
    let seconds = seconds(date)?;
    let mut micros = 0i64;
    let mut at = 0;
    if rest.first() == Some(&b'.') {
        at = 1;
        while let Some(digit @ b'0'..=b'9') = rest.get(at) {
            if at <= 6 {
                micros = micros * 10 + i64::from(digit - b'0');
            }
            at += 1;
        }
        if !(2..=10).contains(&at) {
            return None;
        }
        micros *= SCALES[at.min(7) - 1];
    }
    Some((seconds - offset(&rest[at..])?) * 1_000_000 + micros)
}

/// The moment at `at`, behind its quote, and the position after its closing one, if it is written as the service mostly
/// does: with seven digits of a second, or none, and `Z`.
#[inline]
pub fn moment_in(body: &[u8], at: usize) -> Option<(i64, usize)> {
    let (date, rest) = body.get(at..at + 29)?.split_first_chunk::<19>()?;
    if rest.starts_with(b"Z\"") {
        return Some((seconds(date)? * 1_000_000, at + 21));
    }
    let [b'.', f1, f2, f3, f4, f5, f6, f7, zone, b'"'] = rest else { return None };
    let fraction = u64::from_le_bytes([*f1, *f2, *f3, *f4, *f5, *f6, *f7, *zone]) ^ u64::from_le_bytes(*b"0000000Z");
    if !are_digits(fraction) || fraction >> 56 != 0 {
        return None;
    }
    let fraction = pairs(fraction);
    let micros = i64::from(fraction[0]) * 10_000 + i64::from(fraction[2]) * 100 + i64::from(fraction[4]);
    Some((seconds(date)? * 1_000_000 + micros, at + 29))
}

/// The integer at `at`, behind its quote, and the position after its closing one, if it has few enough digits not to be
/// checked for its range.
#[inline]
pub fn integer_in(body: &[u8], at: usize) -> Option<(i64, usize)> {
    let negative = body.get(at) == Some(&b'-');
    let first = at + usize::from(negative);
    let (mut after, mut value) = (first, 0i64);
    loop {
        let digit = body.get(after)?.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
        after += 1;
    }
    if !(1..=18).contains(&(after - first)) || body[after] != b'"' {
        return None;
    }
    Some((if negative { -value } else { value }, after + 1))
}

/// The seconds since 1970 of `YYYY-MM-DDTHH:MM:SS`.
#[inline]
fn seconds(date: &[u8; 19]) -> Option<i64> {
    let [y1, y2, y3, y4, d1, m1, m2, d2, d3, d4, t, h1, h2, c1, n1, n2, c2, s1, s2] = *date;
    // In each byte a digit, or 0 where a separator is; eight at a time.
    let left = u64::from_le_bytes([y1, y2, y3, y4, d1, m1, m2, d2]) ^ u64::from_le_bytes(*b"0000-00-");
    let right = u64::from_le_bytes([d3, d4, t, h1, h2, c1, n1, n2]) ^ u64::from_le_bytes(*b"00T00:00");
    let (tens, ones) = (s1.wrapping_sub(b'0'), s2.wrapping_sub(b'0'));
    let is_date = are_digits(left) & are_digits(right) & (tens <= 9) & (ones <= 9) & (c2 == b':');
    if !is_date || left & 0xff00_00ff_0000_0000 != 0 || right & 0x0000_ff00_00ff_0000 != 0 {
        return None;
    }
    // In each byte the number that its digit makes with the next one.
    let (left, right) = (pairs(left), pairs(right));
    let year = i64::from(left[0]) * 100 + i64::from(left[2]);
    let (month, day) = (i64::from(left[5]), i64::from(right[0]));
    let (hour, minute) = (i64::from(right[3]), i64::from(right[6]));
    let second = i64::from(tens * 10 + ones);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(days_since_1970(year, month, day)? * 86_400 + hour * 3600 + minute * 60 + second)
}

#[inline]
fn are_digits(bytes: u64) -> bool {
    (bytes.wrapping_add(0x7676_7676_7676_7676) | bytes) & 0x8080_8080_8080_8080 == 0
}

#[inline]
fn pairs(digits: u64) -> [u8; 8] {
    (digits.wrapping_mul(10).wrapping_add(digits >> 8)).to_le_bytes()
}

/// Seconds that an offset such as `Z`, `+02:00` or `-0230` lies ahead of UTC.
#[inline]
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match zone {
        [] | [b'Z'] => return Some(0),
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => (sign, two(&[*h1, *h2], 0)?, two(&[*m1, *m2], 0)?),
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    match sign {
        b'+' => Some(hours * 3600 + minutes * 60),
        b'-' => Some(-(hours * 3600 + minutes * 60)),
        _ => None,
    }
}

#[inline]
fn two(text: &[u8], at: usize) -> Option<i64> {
    let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then_some(i64::from(tens) * 10 + i64::from(ones))
}

/// Days of each month, and those of the year before it, in years that are no leap years.
const MONTHS: [(i64, i64); 12] = [
    (31, 0),
    (28, 31),
    (31, 59),
    (30, 90),
    (31, 120),
    (30, 151),
    (31, 181),
    (31, 212),
    (30, 243),
    (31, 273),
    (30, 304),
    (31, 334),
];

/// Days since 1970 of a date of the proleptic Gregorian calendar, in the years 0 to 9999.
#[inline]
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let (days, before) = *MONTHS.get((month - 1) as usize)?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if day < 1 || day > days + i64::from(is_leap && month == 2) {
        return None;
    }
    // Leap days before this year: year 0 is one, and 719,528 days lie between its first and 1970's.
    let leaps = (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
    Some(year * 365 + leaps + before + i64::from(is_leap && month > 2) + day - 1 - 719_528)
}

/// With padding; bits that the last character has too many are passed over.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);

/// Append the bytes that base64 stands for; false, and nothing appended, if it is none.
pub fn append_binary(text: &[u8], into: &mut Vec<u8>) -> bool {
    let start = into.len();
    into.resize(start + text.len() / 4 * 3 + 3, 0);
    match BASE64.decode_slice(text, &mut into[start..]) {
        Ok(length) => {
            into.truncate(start + length);
            true
        }
        Err(_) => {
            into.truncate(start);
            false
        }
    }
}
