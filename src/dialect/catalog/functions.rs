//! The functions of a DataFusion session, as `pg_proc` and `information_schema.routines` list them.
//! There is one entry a name: overloads are not told apart.

use super::types;
use crate::dialect::typing::marked;
use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::Session;
use datafusion::logical_expr::{Documentation, Signature, TypeSignature, Volatility};
use std::collections::BTreeMap;

/// One function of a session, under the terms of `pg_proc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    /// Its name in lower case; all functions are in the schema `pg_catalog`.
    pub(crate) name: String,
    /// `f` a function, `a` an aggregate, `w` a window function.
    pub(crate) kind: char,
    /// `i` immutable, `s` stable, `v` volatile.
    pub(crate) volatility: char,
    /// Numbers of the argument types, of one way to call it; `None` when nothing tells.
    pub(crate) arguments: Option<Vec<u32>>,
    /// What it gives, for people: the documentation it was registered with; `None` when it has none.
    pub(crate) doc: Option<String>,
    /// Number of the result's type with those arguments; `None` when nothing tells.
    pub(crate) result: Option<u32>,
}

impl Function {
    /// Describes a function by its DataFusion signature; `result` gives the type of its result for
    /// arguments of given types.
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
        Self { name: name.to_owned(), kind, volatility, arguments, result, doc: None }
    }

    /// The same function with its documentation.
    fn documented(self, documentation: Option<&Documentation>) -> Self {
        Self { doc: documentation.map(|documentation| documentation.description.clone()), ..self }
    }

    /// The arguments as people write them: `text, integer`.
    pub(crate) fn signature(&self) -> String {
        let names = self.arguments.iter().flatten().map(|number| types::display(*number, None));
        names.collect::<Vec<_>>().join(", ")
    }
}

/// All functions of a session, sorted by name, with the input and output functions of the types,
/// which `pg_type` names.
pub(crate) fn all(session: &dyn Session) -> Vec<Function> {
    let mut found = BTreeMap::new();
    let is_mark = |name: &str| marked::NAMES.contains(&name);
    for (name, function) in session.scalar_functions().iter().filter(|(name, _)| !is_mark(name)) {
        let result = |arguments: &[DataType]| function.return_type(arguments).ok();
        found.insert(
            name.clone(),
            Function::new(name, 'f', function.signature(), result).documented(function.documentation()),
        );
    }
    for (name, function) in session.aggregate_functions() {
        let result = |arguments: &[DataType]| function.return_type(arguments).ok();
        found.insert(
            name.clone(),
            Function::new(name, 'a', function.signature(), result).documented(function.documentation()),
        );
    }
    // A name with a blank in it is the rewriter's.
    for (name, function) in session.window_functions().iter().filter(|(name, _)| !name.contains(' ')) {
        found.insert(
            name.clone(),
            Function::new(name, 'w', function.signature(), |_| window_result(name))
                .documented(function.documentation()),
        );
    }
    for base in types::all() {
        let nullary = Signature::nullary(Volatility::Immutable);
        for name in base.other_functions().iter().map(String::as_str).chain([base.input]) {
            found.entry(name.to_owned()).or_insert_with(|| Function::new(name, 'f', &nullary, |_| None));
        }
    }
    for name in ["array_in", "array_out", "array_recv", "array_send"].into_iter().chain(super::operator_class::HANDLERS)
    {
        let any = Signature::variadic_any(Volatility::Immutable);
        found.entry(name.to_owned()).or_insert_with(|| Function::new(name, 'f', &any, |_| None));
    }
    found.into_values().collect()
}

/// The type of a window function's result, as this server gives it; DataFusion tells it only with a
/// whole call.
fn window_result(name: &str) -> Option<DataType> {
    match name {
        "row_number" | "rank" | "dense_rank" => Some(DataType::Int64),
        "ntile" => Some(DataType::Int32),
        "percent_rank" | "cume_dist" => Some(DataType::Float64),
        _ => None,
    }
}

/// The argument types of one way to call a function; `None` when its signature names none. Of several
/// ways DataFusion's first example is taken.
fn argument_types(signature: &TypeSignature) -> Option<Vec<DataType>> {
    match signature {
        TypeSignature::Nullary => Some(Vec::new()),
        TypeSignature::Exact(types) => Some(types.clone()),
        TypeSignature::Any(count) => Some(vec![DataType::Utf8; *count]),
        other => other.get_example_types().into_iter().find(|types| types.iter().all(|of| !of.is_null())),
    }
}
