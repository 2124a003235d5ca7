//! What a statement may be at all: statements that read, and the two of our own.

pub(crate) mod own_statement;
pub(crate) mod read_only;
