//! Admission: which statements the engine takes at all beside those about temporary tables: those that read, and the two
//! that ttapi adds to PostgreSQL's.

pub(crate) mod own_statement;
pub(crate) mod read_only;
