//! Functions of single numbers, with Go's special cases.

use std::f64::consts::{LN_2, LOG2_E, LOG10_E, PI};

/// The function of one number that has this name.
pub(super) fn function(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => |value| if value.is_nan() { f64::NAN } else { value.abs() },
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "exp" => f64::exp,
        "sqrt" => f64::sqrt,
        "ln" => f64::ln,
        "log2" => log2,
        "log10" => |value| value.ln() * LOG10_E,
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "asin" => f64::asin,
        "acos" => f64::acos,
        "atan" => f64::atan,
        "sinh" => sinh,
        "cosh" => cosh,
        "tanh" => f64::tanh,
        "asinh" => asinh,
        "acosh" => acosh,
        "atanh" => f64::atanh,
        "rad" => |value| value * (PI / 180.0),
        "deg" => |value| value * (180.0 / PI),
        "sgn" => |value| {
            if value < 0.0 {
                -1.0
            } else if value > 0.0 {
                1.0
            } else {
                value
            }
        },
        _ => return None,
    })
}

/// To the nearest multiple; of two, the upper.
pub(super) fn round(value: f64, to_nearest: f64) -> f64 {
    let inverse = 1.0 / to_nearest;
    (value * inverse + 0.5).floor() / inverse
}

/// The larger; NaN where one is, but for an infinity above all.
pub(in crate::promql::eval) fn max(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() { b } else { a }
    } else if a > b {
        a
    } else {
        b
    }
}

/// The smaller; NaN where one is, but for an infinity below all.
pub(in crate::promql::eval) fn min(a: f64, b: f64) -> f64 {
    if a == f64::NEG_INFINITY || b == f64::NEG_INFINITY {
        f64::NEG_INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() { a } else { b }
    } else if a < b {
        a
    } else {
        b
    }
}

/// As Go makes it of fraction and exponent, so that whole results come out whole in the same places.
fn log2(value: f64) -> f64 {
    if !(value > 0.0 && value.is_finite()) {
        return value.ln();
    }
    let (scaled, shift) =
        if value < f64::MIN_POSITIVE { (value * f64::powi(2.0, 54), 54) } else { (value, 0) };
    let bits = scaled.to_bits();
    let exponent = i32::try_from(bits >> 52).unwrap_or(0) - 1022 - shift;
    let fraction = f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52);
    // Exactly a power of two.
    if fraction == 0.5 { f64::from(exponent - 1) } else { fraction.ln() * LOG2_E + f64::from(exponent) }
}

/// Where the terms beside the largest have no digit left.
const LARGE: f64 = 268_435_456.0;

/// Where the smaller exponential has no digit left. Beyond it the larger one overflows a little before its half does, and
/// then so does Prometheus' answer.
const STEEP: f64 = 21.0;

fn sinh(value: f64) -> f64 {
    if value.abs() > STEEP { (value.abs().exp() * 0.5).copysign(value) } else { value.sinh() }
}

fn cosh(value: f64) -> f64 {
    if value.abs() > STEEP { value.abs().exp() * 0.5 } else { value.cosh() }
}

fn asinh(value: f64) -> f64 {
    if value.abs() > LARGE { (value.abs().ln() + LN_2).copysign(value) } else { value.asinh() }
}

fn acosh(value: f64) -> f64 {
    if value < 1.0 || value.is_nan() {
        f64::NAN
    } else if value >= LARGE {
        value.ln() + LN_2
    } else if value > 2.0 {
        (2.0 * value - 1.0 / (value + (value * value - 1.0).sqrt())).ln()
    } else {
        let above = value - 1.0;
        (above + (2.0 * above + above * above).sqrt()).ln_1p()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::eval::functions::fixture::assert_values;

    const NAN: f64 = f64::NAN;
    const INF: f64 = f64::INFINITY;

    #[track_caller]
    fn check(name: &str, value: f64, expect: f64) {
        assert_values(&[function(name).unwrap()(value)], &[expect]);
    }

    #[test]
    fn functions_of_one_number() {
        check("abs", -0.0, 0.0);
        check("abs", f64::from_bits(crate::series::STALE.to_bits() | 1 << 63), NAN);
        check("ceil", -0.5, -0.0);
        check("floor", -0.5, -1.0);
        check("exp", 710.0, INF);
        check("ln", -1.0, NAN);
        check("ln", 0.0, -INF);
        check("log2", 8.0, 3.0);
        check("log2", 5e-324, -1074.0);
        check("log2", 10.0, std::f64::consts::LOG2_10);
        check("log2", 0.0, -INF);
        check("log10", 1000.0, 3.0);
        check("log10", 1e15, 14.999_999_999_999_998);
        check("log10", INF, INF);
        check("log10", -1.0, NAN);
        check("sinh", 710.0, f64::INFINITY);
        check("cosh", -710.0, f64::INFINITY);
        check("sinh", -709.0, -4.109_203_730_777_486e307);
        check("asinh", 1e300, 691.468_675_078_773_6);
        check("asinh", -1e-5, -9.999_999_999_833_334e-6);
        check("asinh", -0.0, -0.0);
        check("acosh", 1.0 + 1e-10, 1.414_213_620_867_586_2e-5);
        check("acosh", 3.0, 1.762_747_174_039_085_9);
        check("acosh", 1e300, 691.468_675_078_773_6);
        check("acosh", 0.9, NAN);
        check("atanh", 1.0, INF);
        check("atanh", 0.3, 0.309_519_604_203_111_75);
        check("tanh", 0.3, 0.291_312_612_451_590_9);
        check("sin", INF, NAN);
        check("deg", PI, 180.0);
        check("rad", 180.0, PI);
        check("sgn", -3.0, -1.0);
        check("sgn", -0.0, -0.0);
        check("sgn", NAN, NAN);
        check("sqrt", -1.0, NAN);
    }

    #[test]
    fn halves_are_rounded_up() {
        assert_values(&[round(2.5, 1.0), round(-2.5, 1.0), round(0.35, 0.1)], &[3.0, -2.0, 0.4]);
        assert_values(&[round(13.0, 5.0), round(1.0, 0.0), round(-0.3, 1.0)], &[15.0, NAN, 0.0]);
    }

    #[test]
    fn infinities_are_stronger_than_nan() {
        assert_values(&[max(INF, NAN), max(-INF, NAN), max(-0.0, 0.0), max(2.0, 1.0)], &[INF, NAN, 0.0, 2.0]);
        assert_values(
            &[min(-INF, NAN), min(NAN, INF), min(0.0, -0.0), min(2.0, 1.0)],
            &[-INF, NAN, -0.0, 1.0],
        );
    }
}
