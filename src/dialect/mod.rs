//! SQL as PostgreSQL means it, over DataFusion.

pub(crate) mod error;
