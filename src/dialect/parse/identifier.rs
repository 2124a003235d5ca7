//! Identifiers are cut to 63 bytes, as PostgreSQL cuts them; so no walk over a tree carries a long one along.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// Bytes of an identifier; PostgreSQL's `NAMEDATALEN` less one.
const BYTES_MAX: usize = 63;

/// Cuts the identifiers of a text, between characters.
pub(super) fn cut(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    for token in &mut tokens {
        if let Token::Word(word) = &mut token.token {
            cut_name(&mut word.value);
        }
    }
    tokens
}

/// Cuts an identifier that is too long, between characters.
pub(crate) fn cut_name(name: &mut String) {
    if name.len() > BYTES_MAX {
        name.truncate(name.floor_char_boundary(BYTES_MAX));
        name.shrink_to_fit();
    }
}
