//! Columns of times as bytes. A regular column is its first time and its step.

use crate::time::Timestamp;

use super::{
    bytes::{Cursor, put_i64},
    pack::{GROUP, pack, unpack_group},
};

const REGULAR: u8 = 0;
const IRREGULAR: u8 = 1;

/// Appends times; how many there are is for the caller to remember.
pub(crate) fn encode_times(out: &mut Vec<u8>, times: &[Timestamp]) {
    let Some(first) = times.first() else { return };
    let steps: Vec<i64> = times.windows(2).map(|pair| pair[1].0.wrapping_sub(pair[0].0)).collect();
    let step = steps.first().copied().unwrap_or_default();
    if steps.iter().all(|other| *other == step) {
        out.push(REGULAR);
        put_i64(out, first.0);
        put_i64(out, step);
    } else {
        out.push(IRREGULAR);
        put_i64(out, first.0);
        pack(out, &steps);
    }
}

/// Appends `count` times; `None` where the bytes are none.
pub(crate) fn decode_times(cursor: &mut Cursor<'_>, count: usize, out: &mut Vec<Timestamp>) -> Option<()> {
    if count == 0 {
        return Some(());
    }
    let kind = cursor.u8()?;
    let mut time = cursor.i64()?;
    match kind {
        REGULAR => {
            let step = cursor.i64()?;
            out.extend((0..count).map(|_| {
                let at = Timestamp(time);
                time = time.wrapping_add(step);
                at
            }));
        }
        IRREGULAR => {
            out.push(Timestamp(time));
            let mut steps = [0; GROUP];
            let mut left = count - 1;
            while left > 0 {
                let group = &mut steps[..left.min(GROUP)];
                unpack_group(cursor, group)?;
                out.extend(group.iter().map(|step| {
                    time = time.wrapping_add(*step);
                    Timestamp(time)
                }));
                left -= group.len();
            }
        }
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(times: &[i64], size: usize) {
        let times: Vec<_> = times.iter().copied().map(Timestamp).collect();
        let mut bytes = Vec::new();
        encode_times(&mut bytes, &times);
        assert_eq!(bytes.len(), size);
        let mut got = Vec::new();
        decode_times(&mut Cursor::new(&bytes), times.len(), &mut got).unwrap();
        assert_eq!(got, times);
    }

    #[test]
    fn times_come_back() {
        check(&[], 0);
        check(&[5], 3);
        check(&[1_700_000_000_000], 1 + 6 + 1);
        check(&(0..500).map(|i| 1_700_000_000_000 + i * 15_000).collect::<Vec<_>>(), 1 + 6 + 3);
        check(&(0..65).map(|i| i * 1000 + i % 2).collect::<Vec<_>>(), 1 + 1 + 2 + 2 + 8);
        check(
            &(0..65).map(|i| if i < 30 { i * 1000 } else { i * 1000 + 1000 }).collect::<Vec<_>>(),
            1 + 1 + 2 + 2 + 8 + 1,
        );
        check(&[i64::MIN, 0, i64::MAX], 1 + 10 + 2 + 10 + 16);
        check(&[i64::MIN, i64::MAX, i64::MIN], 1 + 10 + 2 + 1 + 1);
    }
}
