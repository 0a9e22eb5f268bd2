//! Numbers with decimals, as JavaScript and Grafana write them.

/// How many decimals a value gets where nobody says: two digits that count, a third below 2.25.
pub fn auto_decimals(value: f64) -> u16 {
    let size = value.abs();
    if size == 0.0 || !size.is_finite() || value % 1.0 == 0.0 {
        return 0;
    }
    let magnitude = (size.ln() / std::f64::consts::LN_10).floor();
    let decimals = 1.0 - magnitude;
    let norm = size / 10_f64.powf(-decimals);
    let decimals = if norm > 2.25 { decimals + 1.0 } else { decimals };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let decimals = decimals.clamp(0.0, 400.0) as u16;
    decimals
}

/// A value rounded to so many decimals, which are all written.
pub fn to_fixed(value: f64, decimals: Option<u16>) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "-∞" }.to_owned();
    }
    if value.is_nan() {
        return "NaN".to_owned();
    }
    let decimals = usize::from(decimals.unwrap_or_else(|| auto_decimals(value)));
    if value == 0.0 {
        return format!("{:.*}", decimals.min(100), 0.0);
    }
    let factor = 10_f64.powi(i32::try_from(decimals).unwrap_or(0));
    let rounded = (value * factor + 0.5).floor() / factor;
    // Beyond what a double resolves, rounding changes nothing.
    let rounded = if rounded.is_finite() { rounded } else { value };
    let text = js_number(rounded);
    if text.contains('e') {
        return text;
    }
    let written = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let mut text = text;
    // JavaScript writes 10^21 and more with an exponent, so no more than 20 zeros follow.
    let missing = decimals.min(20).saturating_sub(written);
    if missing > 0 {
        if written == 0 {
            text.push('.');
        }
        text.extend(std::iter::repeat_n('0', missing));
    }
    text
}

/// A number as `String(number)` writes it in JavaScript.
pub fn js_number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let size = value.abs();
    if (1e-6..1e21).contains(&size) {
        return value.to_string();
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with('-') => format!("{mantissa}e+{exponent}"),
        _ => text,
    }
}
