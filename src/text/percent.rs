//! Percent-encoding (RFC 3986).

/// A text as a part of a URL, or a value of a form: everything but unreserved characters and those in `also` is encoded.
pub fn percent_encoded(text: &str, also: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || also.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    out
}

/// A value of a form as browsers write it: a blank is a `+`.
pub fn form_encoded(text: &str) -> String {
    text.split(' ').map(|word| percent_encoded(word, b"")).collect::<Vec<_>>().join("+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_unreserved_is_encoded() {
        assert_eq!(percent_encoded("a-_.~1 é/%", b""), "a-_.~1%20%C3%A9%2F%25");
        assert_eq!(percent_encoded("/metrics a", b"/"), "/metrics%20a");
        assert_eq!(form_encoded("up == 0 "), "up+%3D%3D+0+");
    }
}
