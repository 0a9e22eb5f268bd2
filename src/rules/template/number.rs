//! Constants of templates: Go's numbers and characters.

use super::{
    float,
    quote::{quoted, unquoted_char},
    token::{Token, TokenKind},
    tree::Number,
};

/// What a constant can be; the message is Go's.
pub(super) fn number(token: &Token) -> Result<Number, String> {
    let text = &token.text;
    if token.kind == TokenKind::CharConstant {
        let code = unquoted_char(text)?;
        let unsigned = u64::try_from(code).ok();
        return Ok(Number { text: text.clone(), integer: Some(code), unsigned, float: Some(code as f64) });
    }
    if token.kind == TokenKind::Complex || text.ends_with('i') {
        return Err(format!("complex numbers are not supported: {}", quoted(text)));
    }
    let magnitude = whole(text.strip_prefix(['+', '-']).unwrap_or(text));
    let negative = text.starts_with('-');
    let signed = magnitude.and_then(|magnitude| {
        let magnitude = i128::from(magnitude);
        i64::try_from(if negative { -magnitude } else { magnitude }).ok()
    });
    let mut number = Number {
        text: text.clone(),
        integer: signed,
        unsigned: magnitude.filter(|magnitude| !text.starts_with(['+', '-']) || *magnitude == 0),
        float: None,
    };
    number.float = match (number.integer, number.unsigned) {
        (Some(integer), _) => Some(integer as f64),
        (None, Some(unsigned)) => Some(unsigned as f64),
        (None, None) => {
            let separated = text.contains("__") || text.ends_with('_');
            let Some(value) = float::parse(&text.replace('_', "")).ok().filter(|_| !separated) else {
                return Err(format!("illegal number syntax: {}", quoted(text)));
            };
            if !text.contains(['.', 'e', 'E', 'p', 'P']) {
                return Err(format!("integer overflow: {}", quoted(text)));
            }
            let whole = float::whole(value);
            if (whole as f64).to_bits() == value.to_bits() {
                number.integer = Some(whole);
            }
            Some(value)
        }
    };
    Ok(number)
}

/// A whole number in any of Go's bases.
fn whole(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = if let Some(digits) = lower.strip_prefix("0x") {
        (digits, 16)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (digits, 8)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (digits, 2)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (&lower[1..], 8)
    } else {
        (lower.as_str(), 10)
    };
    let well_separated =
        !digits.ends_with('_') && !digits.contains("__") && (radix != 10 || !digits.starts_with('_'));
    let digits = digits.replace('_', "");
    if !well_separated || digits.is_empty() || digits.starts_with('+') {
        return None;
    }
    u64::from_str_radix(&digits, radix).ok()
}
