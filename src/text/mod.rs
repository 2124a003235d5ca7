//! Values as PostgreSQL writes them. The wire sends these texts, and casts to text give them.

pub(crate) mod array;
pub(crate) mod boolean;
pub(crate) mod bytea;
pub(crate) mod column;
pub(crate) mod instant;
pub(crate) mod interval;
pub(crate) mod moment;
pub(crate) mod number;
