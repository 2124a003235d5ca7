//! What a deferred call stands for: the symbol between two sides, ARRAY, or a function of branches.

use datafusion::logical_expr::Operator;

/// What a deferred call stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Deferral {
    /// An operator between two sides.
    Operator(Symbol),
    /// `ARRAY[...]`, by its elements.
    Array,
    /// A function of branches, or a mark that the rewriter put around an expression.
    Function(&'static str),
}

/// What stands between the sides of a deferred operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Symbol {
    /// An operator that DataFusion has.
    Operator(Operator),
    /// `^`, to the power of.
    Power,
    /// `#`, which DataFusion prints as its `BIT_XOR`.
    Xor,
}

impl Symbol {
    /// How PostgreSQL writes it.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Operator(Operator::NotEq) => "<>".to_owned(),
            Self::Operator(operator) => operator.to_string(),
            Self::Power => "^".to_owned(),
            Self::Xor => "#".to_owned(),
        }
    }
}
