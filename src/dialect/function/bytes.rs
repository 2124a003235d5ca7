//! Functions on bytes: digests, encodings, and single bytes and bits.

use super::arguments::{Kind, Values};
use super::define::Returns;
use super::failure::fails;
use super::section::Section;
use super::typed::{BYTES, Routine, bytes_value, call, routine};
use crate::error::ErrorKind;
use aws_lc_rs::digest::{Algorithm, SHA224, SHA256, SHA384, SHA512, digest};
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use datafusion::common::{Result, ScalarValue};

use Kind::{Bytes, Int, Text as T};

/// The definitions of this file.
pub(super) const ROUTINES: &[Routine] = &[
    routine(
        "bit_length",
        Section::Text,
        "Bits of a text or of bytes.",
        &[
            call(&[T], Returns::Int, |values| length(values.text(0).len() * 8)),
            call(&[Bytes], Returns::Int, |values| length(values.bytes(0).len() * 8)),
        ],
    ),
    routine(
        "octet_length",
        Section::Text,
        "Bytes of a text or of bytes.",
        &[
            call(&[T], Returns::Int, |values| length(values.text(0).len())),
            call(&[Bytes], Returns::Int, |values| length(values.bytes(0).len())),
        ],
    ),
    routine(
        "bit_count",
        Section::Other,
        "How many bits of bytes are set.",
        &[call(&[Bytes], Returns::Big, |values| {
            Ok(ScalarValue::from(values.bytes(0).iter().map(|byte| i64::from(byte.count_ones())).sum::<i64>()))
        })],
    ),
    routine(
        "convert",
        Section::Text,
        "Bytes of a text in another encoding.",
        &[call(&[Bytes, T, T], BYTES, |values| {
            let text = decoded(values.bytes(0), encoding(values.text(1), "source")?)?;
            encoded(&text, encoding(values.text(2), "destination")?).map(bytes_value)
        })],
    ),
    routine(
        "convert_from",
        Section::Text,
        "Text of bytes in an encoding.",
        &[call(&[Bytes, T], Returns::Text, |values| {
            decoded(values.bytes(0), encoding(values.text(1), "source")?).map(ScalarValue::from)
        })],
    ),
    routine(
        "convert_to",
        Section::Text,
        "Bytes of a text in an encoding.",
        &[call(&[T, T], BYTES, |values| {
            encoded(values.text(0), encoding(values.text(1), "destination")?).map(bytes_value)
        })],
    ),
    routine("decode", Section::Text, "Bytes of a text in hex, base64 or escape form.", &[call(&[T, T], BYTES, decode)]),
    routine(
        "encode",
        Section::Text,
        "Text of bytes in hex, base64 or escape form.",
        &[call(&[Bytes, T], Returns::Text, encode)],
    ),
    routine(
        "get_bit",
        Section::Other,
        "Bit of bytes by its number from 0.",
        &[call(&[Bytes, Int], Returns::Int, |values| {
            let (byte, bit) = bit_place(values)?;
            let byte = values.bytes(0).get(byte).copied().unwrap_or_default();
            Ok(ScalarValue::from(i32::from(byte >> bit & 1)))
        })],
    ),
    routine(
        "get_byte",
        Section::Other,
        "Byte by its number from 0.",
        &[call(&[Bytes, Int], Returns::Int, |values| {
            let place = byte_place(values)?;
            Ok(ScalarValue::from(values.bytes(0).get(place).copied().map_or(0, i32::from)))
        })],
    ),
    routine(
        "md5",
        Section::Text,
        "MD5 of a text or of bytes, in hex.",
        &[
            call(&[T], Returns::Text, |values| Ok(ScalarValue::from(format!("{:x}", md5::compute(values.text(0)))))),
            call(&[Bytes], Returns::Text, |values| {
                Ok(ScalarValue::from(format!("{:x}", md5::compute(values.bytes(0)))))
            }),
        ],
    ),
    routine(
        "set_bit",
        Section::Other,
        "Bytes with one bit set or cleared.",
        &[call(&[Bytes, Int, Int], BYTES, |values| {
            let (place, bit) = bit_place(values)?;
            let mut bytes = values.bytes(0).to_vec();
            let value = match values.int(2) {
                value @ (0 | 1) => value == 1,
                _ => return fails(ErrorKind::InvalidParameter, "new bit must be 0 or 1"),
            };
            if let Some(byte) = bytes.get_mut(place) {
                *byte = *byte & !(1 << bit) | u8::from(value) << bit;
            }
            Ok(bytes_value(bytes))
        })],
    ),
    routine(
        "set_byte",
        Section::Other,
        "Bytes with one byte replaced.",
        &[call(&[Bytes, Int, Int], BYTES, |values| {
            let place = byte_place(values)?;
            let mut bytes = values.bytes(0).to_vec();
            if let Some(byte) = bytes.get_mut(place) {
                *byte = values.int(2).to_le_bytes()[0];
            }
            Ok(bytes_value(bytes))
        })],
    ),
    routine("sha224", Section::Text, "SHA-224 of bytes.", &[call(&[Bytes], BYTES, |values| sha(values, &SHA224))]),
    routine("sha256", Section::Text, "SHA-256 of bytes.", &[call(&[Bytes], BYTES, |values| sha(values, &SHA256))]),
    routine("sha384", Section::Text, "SHA-384 of bytes.", &[call(&[Bytes], BYTES, |values| sha(values, &SHA384))]),
    routine("sha512", Section::Text, "SHA-512 of bytes.", &[call(&[Bytes], BYTES, |values| sha(values, &SHA512))]),
];

fn length(length: usize) -> Result<ScalarValue> {
    Ok(ScalarValue::Int32(i32::try_from(length).ok()))
}

fn sha(values: &Values<'_>, algorithm: &'static Algorithm) -> Result<ScalarValue> {
    Ok(bytes_value(digest(algorithm, values.bytes(0)).as_ref().to_vec()))
}

/// The place of a byte.
fn byte_place(values: &Values<'_>) -> Result<usize> {
    let (number, length) = (values.int(1), values.bytes(0).len());
    match usize::try_from(number) {
        Ok(place) if place < length => Ok(place),
        _ => out_of_range(number, length),
    }
}

/// The place of the byte in which a bit is, and the place of the bit in it.
fn bit_place(values: &Values<'_>) -> Result<(usize, usize)> {
    let (number, length) = (values.int(1), values.bytes(0).len() * 8);
    match usize::try_from(number) {
        Ok(place) if place < length => Ok((place / 8, place % 8)),
        _ => out_of_range(number, length),
    }
}

fn out_of_range<T>(number: i64, length: usize) -> Result<T> {
    let last = i64::try_from(length).unwrap_or(i64::MAX) - 1;
    fails(ErrorKind::ArraySubscript, format!("index {number} out of valid range, 0..{last}"))
}

/// The encodings of texts that are known here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Latin1,
    Ascii,
}

/// An encoding by one of its names.
fn encoding(name: &str, role: &str) -> Result<Encoding> {
    let letters = name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase());
    match letters.collect::<String>().as_str() {
        "utf8" | "unicode" => Ok(Encoding::Utf8),
        "latin1" | "iso88591" => Ok(Encoding::Latin1),
        "sqlascii" => Ok(Encoding::Ascii),
        "big5" | "euccn" | "eucjis2004" | "eucjp" | "euckr" | "euctw" | "gb18030" | "gbk" | "iso88595" | "iso88596"
        | "iso88597" | "iso88598" | "johab" | "koi8" | "koi8r" | "koi8u" | "latin2" | "latin3" | "latin4"
        | "latin5" | "latin6" | "latin7" | "latin8" | "latin9" | "latin10" | "muleinternal" | "shiftjis2004"
        | "sjis" | "uhc" | "win1250" | "win1251" | "win1252" | "win1253" | "win1254" | "win1255" | "win1256"
        | "win1257" | "win1258" | "win866" | "win874" => {
            fails(ErrorKind::NotSupported, format!("the encoding \"{name}\" is not supported"))
        }
        _ => fails(ErrorKind::InvalidParameter, format!("invalid {role} encoding name \"{name}\"")),
    }
}

/// The text of bytes. A zero byte is in no text.
fn decoded(bytes: &[u8], encoding: Encoding) -> Result<String> {
    let wrong = |bytes: &[u8]| {
        let shown: Vec<String> = bytes.iter().take(4).map(|byte| format!("0x{byte:02x}")).collect();
        let message = format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" "));
        fails(ErrorKind::InvalidBytes, message)
    };
    if let Some(place) = bytes.iter().position(|byte| *byte == 0) {
        return wrong(&bytes[place..=place]);
    }
    match encoding {
        Encoding::Latin1 => Ok(bytes.iter().copied().map(char::from).collect()),
        Encoding::Utf8 | Encoding::Ascii => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => {
                let from = error.valid_up_to();
                wrong(&bytes[from..(from + error.error_len().unwrap_or(bytes.len() - from)).min(bytes.len())])
            }
        },
    }
}

/// The bytes of a text.
fn encoded(text: &str, encoding: Encoding) -> Result<Vec<u8>> {
    if encoding != Encoding::Latin1 {
        return Ok(text.as_bytes().to_vec());
    }
    text.chars()
        .map(|letter| match u8::try_from(u32::from(letter)) {
            Ok(byte) => Ok(byte),
            Err(_) => {
                let mut bytes = [0; 4];
                let shown: Vec<String> =
                    letter.encode_utf8(&mut bytes).bytes().map(|byte| format!("0x{byte:02x}")).collect();
                let message = format!(
                    "character with byte sequence {} in encoding \"UTF8\" has no equivalent in encoding \"LATIN1\"",
                    shown.join(" ")
                );
                fails(ErrorKind::Untranslatable, message)
            }
        })
        .collect()
}

/// Letters on a line of base64.
const LINE: usize = 76;

fn encode(values: &Values<'_>) -> Result<ScalarValue> {
    let bytes = values.bytes(0);
    Ok(ScalarValue::from(match values.text(1).to_ascii_lowercase().as_str() {
        "hex" => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        "base64" => {
            let all = base64::engine::general_purpose::STANDARD.encode(bytes);
            let lines: Vec<&str> =
                (0..all.len()).step_by(LINE).map(|start| &all[start..all.len().min(start + LINE)]).collect();
            lines.join("\n")
        }
        "escape" => {
            let mut text = String::with_capacity(bytes.len());
            for byte in bytes {
                match byte {
                    b'\\' => text.push_str("\\\\"),
                    0 | 0x80.. => text.push_str(&format!("\\{byte:03o}")),
                    byte => text.push(char::from(*byte)),
                }
            }
            text
        }
        _ => return no_encoding(values.text(1)),
    }))
}

fn decode(values: &Values<'_>) -> Result<ScalarValue> {
    let text = values.text(0);
    let blank = |letter: &char| matches!(letter, ' ' | '\n' | '\t' | '\r');
    Ok(bytes_value(match values.text(1).to_ascii_lowercase().as_str() {
        "hex" => {
            let mut digits = Vec::with_capacity(text.len());
            for letter in text.chars().filter(|letter| !blank(letter)) {
                match letter.to_digit(16).and_then(|digit| u8::try_from(digit).ok()) {
                    Some(digit) => digits.push(digit),
                    None => {
                        return fails(ErrorKind::InvalidParameter, format!("invalid hexadecimal digit: \"{letter}\""));
                    }
                }
            }
            if digits.len() % 2 == 1 {
                return fails(ErrorKind::InvalidParameter, "invalid hexadecimal data: odd number of digits");
            }
            digits.chunks(2).map(|pair| pair.iter().fold(0, |sum, digit| sum << 4 | digit)).collect()
        }
        "base64" => {
            let config = GeneralPurposeConfig::new()
                .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
                .with_decode_allow_trailing_bits(true);
            let letters: String = text.chars().filter(|letter| !blank(letter)).collect();
            match GeneralPurpose::new(&base64::alphabet::STANDARD, config).decode(letters) {
                Ok(bytes) => bytes,
                Err(_) => return fails(ErrorKind::InvalidParameter, "invalid base64 end sequence"),
            }
        }
        "escape" => match escaped(text) {
            Some(bytes) => bytes,
            None => return fails(ErrorKind::InvalidText, "invalid input syntax for type bytea"),
        },
        _ => return no_encoding(values.text(1)),
    }))
}

/// Bytes in escape form: here `\x` begins none.
fn escaped(text: &str) -> Option<Vec<u8>> {
    match text.starts_with("\\x") {
        true => None,
        false => crate::text::bytea::parse(text),
    }
}

fn no_encoding<T>(name: &str) -> Result<T> {
    fails(ErrorKind::InvalidParameter, format!("unrecognized encoding: \"{name}\""))
}
