//! Runs of integers in few bits: groups of 64, each with a base, a shift and a width of its own.
//!
//! A group is `width | SPARSE`, `shift | BASED`, the base as a signed varint where it is not 0, then either all
//! remainders of `width` bits, or a mask of 64 bits and the remainders of the numbers that are not the base. A number
//! is `base + (remainder << shift)`.

use super::bytes::{Cursor, put_i64};

/// Numbers of a group; the last one may have fewer.
pub(super) const GROUP: usize = 64;

const SPARSE: u8 = 0x80;
const BASED: u8 = 0x40;

/// Room for the widest group, and for the last word that is read from it.
type Buffer = [u8; GROUP * 8 + 8];

/// How a group is written.
struct Plan {
    base: i64,
    shift: u32,
    width: u32,
    is_sparse: bool,
    bits: usize,
}

impl Plan {
    fn of(group: &[i64]) -> Self {
        let base = group.iter().copied().min().unwrap_or_default();
        let (mut all, mut others) = (0_u64, 0_usize);
        for number in group {
            let remainder = number.wrapping_sub(base).cast_unsigned();
            all |= remainder;
            others += usize::from(remainder != 0);
        }
        if all == 0 {
            return Self { base, shift: 0, width: 0, is_sparse: false, bits: 0 };
        }
        let shift = all.trailing_zeros();
        // A word of 8 bytes holds any 56 bits that begin within its first byte.
        let width = match u64::BITS - (all >> shift).leading_zeros() {
            narrow @ ..=56 => narrow,
            _ => 64,
        };
        let dense = group.len() * width as usize;
        let sparse = GROUP + others * width as usize;
        Self { base, shift, width, is_sparse: sparse < dense, bits: dense.min(sparse) }
    }

    fn size(&self) -> usize {
        let base = if self.base == 0 { 0 } else { varint_len(self.base) };
        2 + base + self.bits.div_ceil(8)
    }
}

fn varint_len(value: i64) -> usize {
    let bits = u64::BITS - ((value << 1) ^ (value >> 63)).leading_zeros();
    (bits as usize).div_ceil(7).max(1)
}

/// Bytes that [`pack`] appends.
pub(super) fn packed_size(numbers: &[i64]) -> usize {
    numbers.chunks(GROUP).map(|group| Plan::of(group).size()).sum()
}

pub(super) fn pack(out: &mut Vec<u8>, numbers: &[i64]) {
    for group in numbers.chunks(GROUP) {
        let Plan { base, shift, width, is_sparse, .. } = Plan::of(group);
        out.push(byte(width) | if is_sparse { SPARSE } else { 0 });
        out.push(byte(shift) | if base == 0 { 0 } else { BASED });
        if base != 0 {
            put_i64(out, base);
        }
        if width == 0 {
            continue;
        }
        let mut bits = Bits { out, pending: 0, count: 0 };
        let remainder = |number: &i64| number.wrapping_sub(base).cast_unsigned() >> shift;
        if is_sparse {
            let others = group.iter().enumerate().filter(|(_, number)| **number != base);
            let mask = others.fold(0_u64, |mask, (index, _)| mask | 1 << index);
            bits.out.extend_from_slice(&mask.to_le_bytes());
            group
                .iter()
                .filter(|number| **number != base)
                .for_each(|number| bits.put(remainder(number), width));
        } else {
            for number in group {
                bits.put(remainder(number), width);
            }
        }
        bits.finish();
    }
}

fn byte(small: u32) -> u8 {
    small.to_le_bytes()[0]
}

/// Appends bits, lowest first.
struct Bits<'a> {
    out: &'a mut Vec<u8>,
    pending: u128,
    count: u32,
}

impl Bits<'_> {
    fn put(&mut self, value: u64, width: u32) {
        self.pending |= u128::from(value) << self.count;
        self.count += width;
        while self.count >= 8 {
            self.out.push(self.pending.to_le_bytes()[0]);
            self.pending >>= 8;
            self.count -= 8;
        }
    }

    fn finish(self) {
        if self.count > 0 {
            self.out.push(self.pending.to_le_bytes()[0]);
        }
    }
}

/// Reads the next group, of `group.len()` numbers.
pub(super) fn unpack_group(cursor: &mut Cursor<'_>, group: &mut [i64]) -> Option<()> {
    debug_assert!(group.len() <= GROUP);
    let (width, shift) = (cursor.u8()?, cursor.u8()?);
    let (is_sparse, width) = (width & SPARSE != 0, usize::from(width & !SPARSE));
    let base = if shift & BASED == 0 { 0 } else { cursor.i64()? };
    let shift = shift & !BASED;
    if shift >= 64 || width > 64 || (57..64).contains(&width) {
        return None;
    }
    if width == 0 {
        group.fill(base);
        return Some(());
    }
    let mut buffer: Buffer = [0; GROUP * 8 + 8];
    let full = if width == 64 { u64::MAX } else { (1 << width) - 1 };
    let number = |buffer: &Buffer, index: usize| {
        let bit = index * width;
        let word = buffer[bit / 8..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        base.wrapping_add(((word >> (bit % 8) & full) << shift).cast_signed())
    };
    if is_sparse {
        let mask = cursor.u64_le()?;
        let others = mask.count_ones() as usize;
        let bytes = cursor.take((others * width).div_ceil(8))?;
        buffer.get_mut(..bytes.len())?.copy_from_slice(bytes);
        group.fill(base);
        let mut left = mask;
        for index in 0..others {
            *group.get_mut(left.trailing_zeros() as usize)? = number(&buffer, index);
            left &= left - 1;
        }
    } else {
        let bytes = cursor.take((group.len() * width).div_ceil(8))?;
        buffer.get_mut(..bytes.len())?.copy_from_slice(bytes);
        for (index, slot) in group.iter_mut().enumerate() {
            *slot = number(&buffer, index);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(numbers: &[i64], size: usize) {
        let mut out = Vec::new();
        pack(&mut out, numbers);
        assert_eq!((out.len(), packed_size(numbers)), (size, size));
        let mut cursor = Cursor::new(&out);
        let mut got = vec![0; numbers.len()];
        for group in got.chunks_mut(GROUP) {
            unpack_group(&mut cursor, group).unwrap();
        }
        assert!(cursor.is_empty());
        assert_eq!(got, numbers);
        for cut in 0..out.len() {
            let mut cursor = Cursor::new(&out[..cut]);
            let whole = got.chunks_mut(GROUP).all(|group| unpack_group(&mut cursor, group).is_some());
            assert!(!whole, "cut at {cut}");
        }
    }

    #[test]
    fn numbers_come_back_in_the_fewest_bytes() {
        check(&[], 0);
        check(&[0], 2);
        check(&[0; 64], 2);
        check(&[0; 65], 4);
        check(&[7; 64], 3);
        check(&[0, 1, 2, 3], 3);
        check(&[-1, 1, -1, 1], 2 + 1 + 1);
        check(&[0, 1 << 40, 2 << 40, 3 << 40], 3);
        check(&[i64::MIN, i64::MAX], 2 + 10 + 16);
        check(&[i64::MIN, i64::MIN, 0], 2 + 10 + 1);
        check(&[0, 1 << 57, 3], 2 + 24);
        let mut spike = [0; 64];
        spike[63] = 1000;
        check(&spike, 2 + 8 + 1);
        spike[3] = 999;
        check(&spike, 2 + 8 + 3);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic() {
        let mut seed = 3_u64;
        let mut group = [0; GROUP];
        for _ in 0..20_000 {
            let bytes: Vec<u8> = (0..40)
                .map(|_| {
                    seed =
                        seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    seed.to_be_bytes()[0]
                })
                .collect();
            let mut cursor = Cursor::new(&bytes);
            let len = usize::from(bytes[0]) % GROUP;
            while unpack_group(&mut cursor, &mut group[..=len]).is_some() {}
        }
    }
}
