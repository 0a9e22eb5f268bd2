//! Columns of every kind come back, damaged ones are refused.

use super::*;
use crate::series::STALE;

#[track_caller]
fn check(values: &[f64], size: usize) {
    let bytes = round_trip(values);
    assert_eq!(bytes.len(), size);
}

#[track_caller]
fn round_trip(values: &[f64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_values(&mut bytes, values);
    let mut got = vec![0.5];
    let mut cursor = Cursor::new(&bytes);
    decode_values(&mut cursor, values.len(), &mut got).expect("what was encoded is decoded");
    assert!(cursor.is_empty());
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&got[1..]), bits(values));
    bytes
}

#[test]
fn each_kind_of_column_is_small() {
    check(&[], 0);
    check(&[0.0; 480], 2);
    check(&[0.1; 480], 9);
    check(&[STALE; 3], 9);
    check(&[-0.0], 9);
    check(&[3.0, 4.0, 5.0, 6.0], 1 + 1 + 3);
    check(&(0..65).map(|i| f64::from(i % 2)).collect::<Vec<_>>(), 1 + 2 + 8 + 2);
    check(&(0..65).map(|i| f64::from(i) * 0.25).collect::<Vec<_>>(), 1 + 1 + 1 + 3);
    check(&[1.0, 2.0, 3.0, STALE], 1 + (1 + 1 + 2) + 1 + 3);
}

#[test]
fn sums_of_decimals_take_a_few_bytes_a_value() {
    let mut sum = 1000.0;
    let mut seed = 1_u32;
    let values: Vec<f64> = (0..480)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            for part in 0..seed >> 30 {
                sum += f64::from((seed >> (8 + part)) & 0xfff) / 1000.0;
            }
            sum
        })
        .collect();
    let bytes = round_trip(&values);
    assert!(bytes.len() < 480 * 5 / 2, "{} bytes", bytes.len());
}

/// Columns of every kind, spoilt here and there by what is no number, from a seed.
fn nasty(seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let (count, kind, spoil) = (next() % 200, next() % 8, next() % 4 * 10);
    let mut level = 0.0;
    (0..count)
        .map(|_| {
            let random = next();
            let small = (random >> 40) as f64;
            if random % 100 < spoil {
                let spoilt =
                    [STALE, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324, f64::MAX];
                return spoilt[(random >> 8) as usize % spoilt.len()];
            }
            match kind {
                0 => level = small,
                1 => level += small,
                2 => level += small / 1000.0,
                3 => level = small / 7.0,
                4 => level = f64::from_bits(random),
                5 => level += (small - 8_388_608.0) * 1e9,
                6 => level = small * 1e-18,
                _ => level = (small - 8_388_608.0) / 1e6,
            }
            level
        })
        .collect()
}

#[test]
fn any_values_come_back_bit_for_bit() {
    for seed in 0..3000 {
        round_trip(&nasty(seed));
    }
    round_trip(&[MAX_WHOLE, MAX_WHOLE + 2.0, -MAX_WHOLE, 0.0, 1e300, -1e-300]);
    round_trip(&[f64::MIN_POSITIVE, 4.94e-324, 1.0, -1.0, -0.0, 0.0]);
}

#[test]
fn damaged_bytes_are_read_without_a_panic() {
    for seed in 0..300 {
        let values = nasty(seed);
        let mut bytes = Vec::new();
        encode_values(&mut bytes, &values);
        for at in 0..bytes.len() {
            let mut out = Vec::new();
            let _ = decode_values(&mut Cursor::new(&bytes[..at]), values.len(), &mut out);
            let mut spoilt = bytes.clone();
            spoilt[at] ^= 1 << (seed % 8);
            out.clear();
            let _ = decode_values(&mut Cursor::new(&spoilt), values.len(), &mut out);
        }
    }
}
