//! The functions a session has, as catalogs list them. One entry a name: overloads are not told apart.

use super::types;
use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::Session;
use datafusion::logical_expr::{Signature, TypeSignature, Volatility};
use std::collections::BTreeMap;

/// One function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::table) struct Function {
    /// Name; it is in schema `pg_catalog`.
    pub(in crate::table) name: String,
    /// `f` a function, `a` an aggregate, `w` a window function.
    pub(in crate::table) kind: char,
    /// `i` immutable, `s` stable, `v` volatile.
    pub(in crate::table) volatility: char,
    /// Numbers of the argument types, of one way to call it; `None` when nothing tells.
    pub(in crate::table) arguments: Option<Vec<u32>>,
    /// Number of the result's type with those arguments; `None` when nothing tells.
    pub(in crate::table) result: Option<u32>,
}

impl Function {
    fn new(name: &str, kind: char, signature: &Signature, result: impl Fn(&[DataType]) -> Option<DataType>) -> Self {
        let volatility = match signature.volatility {
            Volatility::Immutable => 'i',
            Volatility::Stable => 's',
            Volatility::Volatile => 'v',
        };
        let arguments = argument_types(&signature.type_signature);
        let result = arguments.as_deref().and_then(result).map(|of| types::of_arrow(&of).0);
        let numbers = |types: Vec<DataType>| types.iter().map(|of| types::of_arrow(of).0).collect();
        let arguments = match signature.type_signature {
            TypeSignature::Any(count) => Some(vec![types::ANY; count]),
            _ => arguments.map(numbers),
        };
        Self { name: name.to_owned(), kind, volatility, arguments, result }
    }

    /// The arguments as people write them: `text, integer`.
    pub(in crate::table) fn signature(&self) -> String {
        let names = self.arguments.iter().flatten().map(|number| types::display(*number, None));
        names.collect::<Vec<_>>().join(", ")
    }
}

/// All functions, sorted by name, with the input and output functions of the types.
pub(in crate::table) fn all(session: &dyn Session) -> Vec<Function> {
    let mut found = BTreeMap::new();
    for (name, function) in session.scalar_functions() {
        let result = |arguments: &[DataType]| function.return_type(arguments).ok();
        found.insert(name.clone(), Function::new(name, 'f', function.signature(), result));
    }
    for (name, function) in session.aggregate_functions() {
        let result = |arguments: &[DataType]| function.return_type(arguments).ok();
        found.insert(name.clone(), Function::new(name, 'a', function.signature(), result));
    }
    for (name, function) in session.window_functions() {
        found.insert(name.clone(), Function::new(name, 'w', function.signature(), |_| window_result(name)));
    }
    for base in types::all() {
        let nullary = Signature::nullary(Volatility::Immutable);
        for name in base.other_functions().iter().map(String::as_str).chain([base.input]) {
            found.entry(name.to_owned()).or_insert_with(|| Function::new(name, 'f', &nullary, |_| None));
        }
    }
    for name in ["array_in", "array_out", "array_recv", "array_send"] {
        let any = Signature::variadic_any(Volatility::Immutable);
        found.entry(name.to_owned()).or_insert_with(|| Function::new(name, 'f', &any, |_| None));
    }
    found.into_values().collect()
}

fn window_result(name: &str) -> Option<DataType> {
    match name {
        "row_number" | "rank" | "dense_rank" => Some(DataType::Int64),
        "ntile" => Some(DataType::Int32),
        "percent_rank" | "cume_dist" => Some(DataType::Float64),
        _ => None,
    }
}

fn argument_types(signature: &TypeSignature) -> Option<Vec<DataType>> {
    match signature {
        TypeSignature::Nullary => Some(Vec::new()),
        TypeSignature::Exact(types) => Some(types.clone()),
        TypeSignature::Any(count) => Some(vec![DataType::Utf8; *count]),
        other => other.get_example_types().into_iter().find(|types| types.iter().all(|of| !of.is_null())),
    }
}
