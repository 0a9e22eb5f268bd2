//! Numbers and texts as bytes: LEB128 varints, zig-zag for signed ones, little-endian words.

/// Appends a varint of 1 to 10 bytes.
pub(crate) fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_byte(value) | 0x80);
        value >>= 7;
    }
    out.push(low_byte(value));
}

/// Appends a signed number, small where it is near to 0.
pub(crate) fn put_i64(out: &mut Vec<u8>, value: i64) {
    put_u64(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

pub(crate) fn put_usize(out: &mut Vec<u8>, value: usize) {
    put_u64(out, value as u64);
}

/// Appends a length and the text.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_usize(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn low_byte(value: u64) -> u8 {
    value.to_le_bytes()[0]
}

/// Reads bytes from the front; each read is `None` where they end or make no sense.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes that are left.
    pub(crate) fn len(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*taken)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u32_le(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64_le(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                return None;
            }
            value |= part << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub(crate) fn i64(&mut self) -> Option<i64> {
        let value = self.u64()?;
        Some((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    pub(crate) fn usize(&mut self) -> Option<usize> {
        usize::try_from(self.u64()?).ok()
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        u32::try_from(self.u64()?).ok()
    }

    /// How many things follow, each of at least one byte: more than there are bytes makes no sense, and would have
    /// the caller reserve memory for nothing.
    pub(crate) fn count(&mut self) -> Option<usize> {
        self.usize().filter(|count| *count <= self.rest.len())
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let len = self.usize()?;
        str::from_utf8(self.take(len)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: u64, len: usize) {
        let mut out = Vec::new();
        put_u64(&mut out, value);
        assert_eq!(out.len(), len);
        assert_eq!(Cursor::new(&out).u64(), Some(value));
        assert_eq!(Cursor::new(&out[..len - 1]).u64(), None);
        let mut out = Vec::new();
        put_i64(&mut out, value.cast_signed());
        assert_eq!(Cursor::new(&out).i64(), Some(value.cast_signed()));
    }

    #[test]
    fn varints_come_back() {
        check(0, 1);
        check(127, 1);
        check(128, 2);
        check(u64::from(u32::MAX), 5);
        check(i64::MAX.cast_unsigned(), 9);
        check(1 << 63, 10);
        check(u64::MAX, 10);
    }

    #[test]
    fn bytes_that_are_no_number_are_refused() {
        assert_eq!(Cursor::new(&[0xff; 11]).u64(), None);
        let too_large = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
        assert_eq!(Cursor::new(&too_large).u64(), None);
        assert_eq!(Cursor::new(&[5, 1, 2]).count(), None);
        assert_eq!(Cursor::new(&[2, 0xff, 0xfe]).text(), None);
        assert_eq!(Cursor::new(&[3, b'a', b'b']).text(), None);
    }
}
