//! Columns of values as bytes: of several forms the smallest.
//!
//! Values become integers, integers become small differences, those are packed. Counters of requests and tokens are
//! whole numbers in an `f64`; sums of seconds and dollars are decimals with an error of some units in the last place,
//! which are a whole number and a small correction; for the rest the bits of the `f64` are the integer.

use super::{
    bytes::{Cursor, put_i64, put_u64, put_usize},
    pack::{GROUP, pack, packed_size, unpack_group},
};

/// Forms, in the low bits of the first byte.
const CONSTANT: u8 = 0;
const CONSTANT_WHOLE: u8 = 1;
const WHOLE: u8 = 2;
const DECIMAL: u8 = 3;
const BITS: u8 = 4;
const FORM: u8 = 0x07;
/// Flags of the first byte; the predictor of the numbers is in between.
const CORRECTED: u8 = 0x08;
const CORRECTION_BY_DELTA: u8 = 0x40;
const HAS_EXCEPTIONS: u8 = 0x80;
const PREDICTOR: u8 = 0x30;

/// Whole numbers up to here are exact in an `f64`.
const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;

/// A decimal has at most so many places.
const MAX_PLACES: u8 = 12;
const POWERS: [f64; 13] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];

/// Values that are looked at to find how many places a column has.
const PROBE: usize = 65;

/// What a number is expected to be; what differs is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Predictor {
    Nothing,
    /// The one before; differences are subtracted.
    Last,
    /// The one before; differences are of bits.
    LastBits,
}

impl Predictor {
    fn bits(self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Last => 0x10,
            Self::LastBits => 0x20,
        }
    }

    fn of(kind: u8) -> Option<Self> {
        match kind & PREDICTOR {
            0 => Some(Self::Nothing),
            0x10 => Some(Self::Last),
            0x20 => Some(Self::LastBits),
            _ => None,
        }
    }
}

/// Numbers as they are written, and in how many bytes.
struct Run {
    predictor: Predictor,
    first: Option<i64>,
    differences: Vec<i64>,
    size: usize,
}

impl Run {
    fn new(predictor: Predictor, numbers: &[i64]) -> Self {
        let (first, differences) = match predictor {
            Predictor::Nothing => (None, numbers.to_vec()),
            Predictor::Last => (
                numbers.first().copied(),
                numbers.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect(),
            ),
            Predictor::LastBits => {
                (numbers.first().copied(), numbers.windows(2).map(|pair| pair[1] ^ pair[0]).collect())
            }
        };
        let size = packed_size(&differences) + if first.is_some() { 8 } else { 0 };
        Self { predictor, first, differences, size }
    }

    fn smallest(numbers: &[i64], predictors: [Predictor; 2]) -> Self {
        let [a, b] = predictors.map(|predictor| Self::new(predictor, numbers));
        if a.size <= b.size { a } else { b }
    }

    fn write(&self, out: &mut Vec<u8>) {
        if let Some(first) = self.first {
            put_i64(out, first);
        }
        pack(out, &self.differences);
    }
}

/// Reads `count` numbers; `each` gets them in runs of at most 64.
#[inline]
fn read_run(
    cursor: &mut Cursor<'_>,
    predictor: Predictor,
    count: usize,
    mut each: impl FnMut(&[i64]),
) -> Option<()> {
    let mut numbers = [0_i64; GROUP];
    let mut left = count;
    let mut last = 0_i64;
    if predictor != Predictor::Nothing && left > 0 {
        last = cursor.i64()?;
        each(&[last]);
        left -= 1;
    }
    while left > 0 {
        let group = &mut numbers[..left.min(GROUP)];
        unpack_group(cursor, group)?;
        match predictor {
            Predictor::Nothing => {}
            Predictor::Last => {
                for number in group.iter_mut() {
                    last = last.wrapping_add(*number);
                    *number = last;
                }
            }
            Predictor::LastBits => {
                for number in group.iter_mut() {
                    last ^= *number;
                    *number = last;
                }
            }
        }
        left -= group.len();
        each(group);
    }
    Some(())
}

/// A value as a whole number, unless it is none or `-0.0`.
#[inline]
fn whole(value: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number within 53 bits")]
    let number = value as i64;
    let is_exact = value.abs() <= MAX_WHOLE && (number as f64).to_bits() == value.to_bits();
    is_exact.then_some(number)
}

/// Values that a form does not hold: index and value.
type Exceptions = Vec<(usize, f64)>;

/// Whole numbers, where most values are.
fn wholes(values: &[f64]) -> Option<(Vec<i64>, Exceptions)> {
    let (mut numbers, mut exceptions) = (Vec::with_capacity(values.len()), Vec::new());
    let mut last = 0;
    for (index, value) in values.iter().enumerate() {
        match whole(*value) {
            Some(number) => last = number,
            None if exceptions.len() * 16 > values.len() => return None,
            None => exceptions.push((index, *value)),
        }
        numbers.push(last);
    }
    Some((numbers, exceptions))
}

/// Decimals of so many places: the number without its point, what its bits differ by from the value's.
fn decimals(values: &[f64], places: u8) -> Option<(Vec<i64>, Vec<i64>, Exceptions)> {
    let power = POWERS[usize::from(places)];
    let (mut numbers, mut corrections) = (Vec::with_capacity(values.len()), Vec::with_capacity(values.len()));
    let mut exceptions = Vec::new();
    let (mut last, mut last_correction) = (0, 0);
    for (index, value) in values.iter().enumerate() {
        let scaled = (value * power).round();
        if scaled.abs() < MAX_WHOLE {
            #[expect(clippy::cast_possible_truncation, reason = "a whole number within 53 bits")]
            let number = scaled as i64;
            last = number;
            last_correction = correction(*value, number, power);
        } else if exceptions.len() * 16 > values.len() {
            return None;
        } else {
            exceptions.push((index, *value));
        }
        numbers.push(last);
        corrections.push(last_correction);
    }
    Some((numbers, corrections, exceptions))
}

fn correction(value: f64, number: i64, power: f64) -> i64 {
    let near = number as f64 / power;
    value.to_bits().cast_signed().wrapping_sub(near.to_bits().cast_signed())
}

fn corrected(number: i64, correction: i64, power: f64) -> f64 {
    let near = number as f64 / power;
    f64::from_bits(near.to_bits().cast_signed().wrapping_add(correction).cast_unsigned())
}

/// A column of decimals, ready to be written.
struct Decimals {
    places: u8,
    numbers: Run,
    corrections: Option<Run>,
    exceptions: Exceptions,
}

impl Decimals {
    fn new(values: &[f64], places: u8) -> Option<Self> {
        let (numbers, corrections, exceptions) = decimals(values, places)?;
        let numbers = Run::smallest(&numbers, [Predictor::Last, Predictor::Nothing]);
        let corrections = corrections
            .iter()
            .any(|correction| *correction != 0)
            .then(|| Run::smallest(&corrections, [Predictor::Last, Predictor::Nothing]));
        Some(Self { places, numbers, corrections, exceptions })
    }

    fn smallest(values: &[f64]) -> Option<Self> {
        let probe = &values[..values.len().min(PROBE)];
        let columns = (1..=MAX_PLACES).filter_map(|places| Self::new(probe, places));
        let best = columns.min_by_key(Self::size)?;
        Self::new(values, best.places)
    }

    fn size(&self) -> usize {
        let corrections = self.corrections.as_ref().map_or(0, |run| run.size);
        2 + self.numbers.size + corrections + self.exceptions.len() * 10
    }
}

/// Appends values; how many there are is for the caller to remember.
pub(crate) fn encode_values(out: &mut Vec<u8>, values: &[f64]) {
    let Some((first, rest)) = values.split_first() else { return };
    if rest.iter().all(|value| value.to_bits() == first.to_bits()) {
        if let Some(number) = whole(*first) {
            out.push(CONSTANT_WHOLE);
            put_i64(out, number);
        } else {
            out.push(CONSTANT);
            out.extend_from_slice(&first.to_le_bytes());
        }
        return;
    }
    if let Some((numbers, exceptions)) = wholes(values) {
        let run = Run::smallest(&numbers, [Predictor::Last, Predictor::Nothing]);
        put_kind(out, WHOLE, &run, &exceptions);
        run.write(out);
        return;
    }
    let numbers: Vec<i64> = values.iter().map(|value| value.to_bits().cast_signed()).collect();
    let bits = Run::smallest(&numbers, [Predictor::LastBits, Predictor::Last]);
    match Decimals::smallest(values) {
        Some(decimals) if decimals.size() < bits.size => {
            let corrections = match &decimals.corrections {
                None => 0,
                Some(run) if run.predictor == Predictor::Last => CORRECTED | CORRECTION_BY_DELTA,
                Some(_) => CORRECTED,
            };
            put_kind(out, DECIMAL | corrections, &decimals.numbers, &decimals.exceptions);
            out.push(decimals.places);
            decimals.numbers.write(out);
            if let Some(corrections) = &decimals.corrections {
                corrections.write(out);
            }
        }
        _ => {
            put_kind(out, BITS, &bits, &[]);
            bits.write(out);
        }
    }
}

fn put_kind(out: &mut Vec<u8>, form: u8, run: &Run, exceptions: &[(usize, f64)]) {
    let flag = if exceptions.is_empty() { 0 } else { HAS_EXCEPTIONS };
    out.push(form | run.predictor.bits() | flag);
    if exceptions.is_empty() {
        return;
    }
    put_usize(out, exceptions.len());
    let mut next = 0;
    for (index, value) in exceptions {
        put_usize(out, index - next);
        put_u64(out, value.to_bits().rotate_left(12));
        next = index + 1;
    }
}

/// Index and value; varints of the rotated bits are short for NaNs and infinities.
fn read_exceptions(cursor: &mut Cursor<'_>, count: usize) -> Option<Exceptions> {
    let mut next = 0_usize;
    let exceptions = cursor.count()?;
    (0..exceptions)
        .map(|_| {
            let index = next.checked_add(cursor.usize()?).filter(|index| *index < count)?;
            next = index + 1;
            Some((index, f64::from_bits(cursor.u64()?.rotate_right(12))))
        })
        .collect()
}

/// Appends `count` values; `None` where the bytes are none.
pub(crate) fn decode_values(cursor: &mut Cursor<'_>, count: usize, out: &mut Vec<f64>) -> Option<()> {
    if count == 0 {
        return Some(());
    }
    let start = out.len();
    let kind = cursor.u8()?;
    let predictor = Predictor::of(kind)?;
    let exceptions = if kind & HAS_EXCEPTIONS == 0 { Vec::new() } else { read_exceptions(cursor, count)? };
    match kind & FORM {
        CONSTANT => out.extend(std::iter::repeat_n(f64::from_bits(cursor.u64_le()?), count)),
        CONSTANT_WHOLE => out.extend(std::iter::repeat_n(cursor.i64()? as f64, count)),
        WHOLE => read_run(cursor, predictor, count, |numbers| {
            out.extend(numbers.iter().map(|number| *number as f64));
        })?,
        DECIMAL => {
            let power = *POWERS.get(usize::from(cursor.u8()?))?;
            if kind & CORRECTED == 0 {
                read_run(cursor, predictor, count, |numbers| {
                    out.extend(numbers.iter().map(|number| *number as f64 / power));
                })?;
            } else {
                let mut wholes = Vec::with_capacity(count);
                read_run(cursor, predictor, count, |numbers| wholes.extend_from_slice(numbers))?;
                let predictor =
                    if kind & CORRECTION_BY_DELTA == 0 { Predictor::Nothing } else { Predictor::Last };
                let mut left = wholes.iter();
                read_run(cursor, predictor, count, |corrections| {
                    let pairs = left.by_ref().zip(corrections);
                    out.extend(pairs.map(|(number, correction)| corrected(*number, *correction, power)));
                })?;
            }
        }
        BITS => read_run(cursor, predictor, count, |numbers| {
            out.extend(numbers.iter().map(|number| f64::from_bits(number.cast_unsigned())));
        })?,
        _ => return None,
    }
    for (index, value) in exceptions {
        *out.get_mut(start + index)? = value;
    }
    Some(())
}

#[cfg(test)]
mod tests;
