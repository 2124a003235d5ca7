//! The rewriter gives casts types that DataFusion's SQL planner knows, and turns casts between names
//! and numbers of objects (`::regclass` and its like) into calls.
//!
//! DataFusion 55: `convert_simple_data_type` refuses custom type names, `json`, `uuid` and
//! `regclass`, times with a precision, and timestamps of 1, 2, 4 or 5 decimals; `float` is single
//! there, and a timestamp without precision is in nanoseconds, whose range ends in 2262. Not needed
//! once types are resolved by the session: `types_are_those_of_postgres` and
//! `casts_to_object_names_are_function_calls` show today's forms.

use super::build::take;
use super::build::{self, call, called, cast, instant, is_parameter, literal};
use super::moment;
use crate::dialect::catalog::types;
use crate::dialect::catalog::written::written;
use crate::dialect::parse::numeric_type::DIGITS;
use crate::dialect::parse::tree::fold;
use crate::dialect::typing::marked;
use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CastFormat, CharacterLength, DataType, ExactNumberInfo, Expr, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, TypedString, Value,
};

/// Types whose values are numbers of objects, written and read by the object's name.
const OBJECTS: &[&str] = &["regclass", "regnamespace", "regproc", "regrole", "regtype"];

/// The object type that a type name stands for; `regprocedure` counts as `regproc`, because functions
/// here have one signature a name. `None` for all other types.
pub(super) fn object_type(data_type: &DataType) -> Option<&'static str> {
    let name = match data_type {
        DataType::Regclass => "regclass".to_owned(),
        DataType::Custom(..) => unqualified(data_type)?,
        _ => return None,
    };
    let name = if name == "regprocedure" { "regproc" } else { name.as_str() };
    OBJECTS.iter().find(|object| **object == name).copied()
}

/// The folded name of a custom type without `pg_catalog`; `None` for built-in types and other
/// schemas.
pub(super) fn unqualified(data_type: &DataType) -> Option<String> {
    let DataType::Custom(name, _) = data_type else { return None };
    let parts: Vec<&Ident> = name.0.iter().filter_map(|part| part.as_ident()).collect();
    match parts.as_slice() {
        [name] => Some(fold(name)),
        [schema, name] if fold(schema) == "pg_catalog" => Some(fold(name)),
        _ => None,
    }
}

/// Shows names in the outermost list: a catalog column of functions, what `to_regclass` and its like find, and a literal
/// cast to an object type, since `SELECT 'symbols'::regclass` prints `symbols`. The mark tells that it is no text.
pub(crate) fn show_literal(expr: &mut Expr) {
    let shown = |object: &str, value: Expr| {
        call(marked::CAST, vec![call(&format!("{object}_text"), vec![value]), build::text(object)])
    };
    if let Some(object) = looked_up(expr) {
        *expr = shown(object, take(expr));
    } else if names_function(expr) {
        *expr = shown("regproc", take(expr));
    } else if let Expr::Cast { expr: inner, data_type, .. } = expr
        && literal(inner).is_some()
        && let Some(object) = object_type(data_type)
    {
        *expr = shown(object, take(inner));
    } else if let Some((object, names)) = array_shown(expr) {
        *expr = call(marked::CAST, vec![names, build::text(&format!("{object}[]"))]);
    }
}

/// The names in an array of objects that is written out: `'{int4,text}'::regtype[]`, `ARRAY['symbols'::regclass]`.
fn array_shown(expr: &Expr) -> Option<(&'static str, Expr)> {
    if let Expr::Cast { expr: inner, data_type: data_type @ DataType::Array(_), .. } = expr {
        let object = object_type(array_element(data_type))?;
        return Some((object, objects_written(inner, object, "text", DataType::Text)?));
    }
    let Expr::Array(array) = expr else { return None };
    let mut known = None;
    let named = array.elem.iter().map(|element| match element {
        Expr::Cast { expr: name, data_type, .. } if literal(name).is_some() => {
            let object = object_type(data_type).filter(|object| known.is_none_or(|known| known == *object))?;
            known = Some(object);
            Some(call(&format!("{object}_text"), vec![name.as_ref().clone()]))
        }
        _ => None,
    });
    let names = named.collect::<Option<Vec<Expr>>>()?;
    Some((known?, call("make_array", names)))
}

/// The elements of an array literal as objects, by the function of that ending; an empty array is of `element`.
fn objects_written(array: &Expr, object: &str, ending: &str, element: DataType) -> Option<Expr> {
    let elements = super::array_literal::elements(literal(array)?)?;
    if elements.is_empty() {
        let array = DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(element), None));
        return Some(cast(call("make_array", Vec::new()), array));
    }
    let function = format!("{object}_{ending}");
    Some(call("make_array", elements.into_iter().map(|name| call(&function, vec![name])).collect()))
}

/// The elements of an array that is written as such.
fn elements_of(array: &mut Expr) -> Vec<&mut Expr> {
    match array {
        Expr::Array(array) => array.elem.iter_mut().collect(),
        Expr::Function(function) if called(function).as_deref() == Some("make_array") => match &mut function.args {
            FunctionArguments::List(list) => list.args.iter_mut().filter_map(plain_argument).collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn plain_argument(argument: &mut FunctionArg) -> Option<&mut Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => Some(value),
        _ => None,
    }
}

/// Compares an object with those of an array that is written out by their numbers.
pub(super) fn compare_with_any(left: &mut Expr, array: &mut Expr) {
    let objects = elements_of(array);
    if as_object(left).is_some() && !objects.is_empty() && objects.iter().all(|element| as_object(element).is_some()) {
        rename(left, "_oid");
    }
}

/// The object type that `to_regclass` and its like look a name up for.
fn looked_up(expr: &Expr) -> Option<&'static str> {
    let Expr::Function(function) = expr else { return None };
    let name = function.name.0.last()?.as_ident().map(fold)?;
    let object = name.strip_prefix("to_")?;
    OBJECTS.iter().find(|known| **known == object).copied()
}

/// Compares objects by their numbers: in `a::regclass = b::regclass` both calls become their `_oid`
/// form.
pub(crate) fn compare_objects(left: &mut Expr, right: &mut Expr) {
    if as_object(left).is_some() && as_object(right).is_some() {
        rename(left, "_oid");
        rename(right, "_oid");
    }
}

/// The object type of an expression that is already rewritten to a call of `regclass`, `regclass_oid`
/// or their like.
fn as_object(expr: &Expr) -> Option<&'static str> {
    let Expr::Function(function) = expr else { return None };
    let name = called(function)?;
    OBJECTS.iter().find(|object| name == **object || name.strip_suffix("_oid") == Some(**object)).copied()
}

/// Whether an expression is a column of the catalog that holds the number of a function (`regproc` in
/// PostgreSQL) and shows its name.
fn names_function(expr: &Expr) -> bool {
    let column = match expr {
        Expr::Identifier(column) => column,
        Expr::CompoundIdentifier(parts) => match parts.last() {
            Some(column) => column,
            None => return false,
        },
        _ => return false,
    };
    is_function_name(&fold(column))
}

/// Whether a column of the catalog is of type `regproc`, by its name.
pub(super) fn is_function_name(column: &str) -> bool {
    matches!(
        column,
        "typinput"
            | "typoutput"
            | "typreceive"
            | "typsend"
            | "typmodin"
            | "typmodout"
            | "typanalyze"
            | "amhandler"
            | "aggfnoid"
    )
}

/// Gives a call of an object type another ending: `regclass` becomes `regclass_oid` or
/// `regclass_text`.
fn rename(expr: &mut Expr, suffix: &str) {
    if let Some(object) = as_object(expr)
        && let Expr::Function(function) = expr
    {
        function.name = vec![build::ident(&format!("{object}{suffix}"))].into();
    }
}

/// Rewrites one cast or typed literal.
///
/// - To an object type: `x::regclass` is `regclass(x)`, a literal or a parameter `regclass_oid(...)`;
///   under a further cast to text it is `regclass_text`, to a number `regclass_oid`.
/// - Of a literal to bytes, interval, numeric or integer: by `literal`, as PostgreSQL reads it.
/// - Of an array literal to an array: `make_array` of its elements, whose types the cast then
///   settles.
/// - To JSON, a UUID, a name or `varchar(n)`: a call of the function that casts.
/// - Every other type gets a name DataFusion knows.
///
/// A cast whose type shares that name with another keeps the type as written where SQL has a format, for `super::mark`.
pub(crate) fn rewrite(expr: &mut Expr) {
    let written = told_type(expr);
    respell(expr);
    if let (Some(written), Expr::Cast { format, .. }) = (written, expr) {
        *format = Some(CastFormat::Value(Value::SingleQuotedString(written).into()));
    }
}

/// The type of a cast as it is written, where clients are told another than its Arrow type's: texts with other names,
/// arrays of them, and arrays of types with a modifier. A typed literal of such a type becomes a cast.
fn told_type(expr: &mut Expr) -> Option<String> {
    let (Expr::Cast { data_type, .. } | Expr::TypedString(TypedString { data_type, .. })) = &*expr else { return None };
    let text = data_type.to_string();
    let (oid, modifier) = written(&text)?;
    let (base, array) = types::base_or_element(oid)?;
    let told = match base.name {
        "bpchar" | "varchar" => true,
        "char" | "name" => array,
        _ => array && modifier >= 0,
    };
    if told && let Expr::TypedString(TypedString { data_type, value, .. }) = expr {
        *expr = cast(Expr::Value(value.clone()), data_type.clone());
    }
    told.then_some(text)
}

fn respell(expr: &mut Expr) {
    if let Expr::TypedString(TypedString { data_type, .. }) | Expr::Cast { data_type, .. } = expr
        && let Some(digits) = moment::take_precision(data_type)
    {
        respell(expr);
        *expr = moment::with_precision(take(expr), digits);
        return;
    }
    if let Expr::TypedString(TypedString { data_type, value, .. }) = expr {
        if object_type(data_type).is_some() || own_type(data_type).is_some() {
            let text = Expr::Value(value.clone());
            *expr = cast(text, data_type.clone());
        } else {
            normalise(data_type);
            if let Some(named) = moment::named(&Expr::Value(value.clone()), data_type) {
                *expr = named;
                return;
            }
            if matches!(data_type, DataType::Bytea | DataType::Numeric(_)) {
                let text = Expr::Value(value.clone());
                *expr = cast(text, data_type.clone());
            } else {
                return;
            }
        }
    }
    let Expr::Cast { expr: inner, data_type, .. } = expr else { return };
    if let Some((function, length)) = own_type(data_type) {
        let mut inner = take(inner);
        if is_parameter(&inner) || matches!(function, "name_cast" | "varchar_cast") {
            inner = cast(inner, DataType::Text);
        }
        let length = length.map(|length| Expr::Value(Value::Number(length.to_string(), false).into()));
        *expr = call(function, std::iter::once(inner).chain(length).collect());
        return;
    }
    if let Some(object) = object_type(data_type) {
        let inner = take(inner);
        *expr = if literal(&inner).is_some() {
            call(&format!("{object}_oid"), vec![inner])
        } else if is_parameter(&inner) {
            call(&format!("{object}_oid"), vec![cast(inner, DataType::Text)])
        } else {
            call(object, vec![inner])
        };
        return;
    }
    if let DataType::Array(_) = &*data_type
        && let Some(object) = object_type(array_element(data_type))
    {
        if let Some(numbers) = objects_written(inner, object, "oid", DataType::IntUnsigned(None)) {
            *expr = numbers;
            return;
        }
        if object == "regtype" {
            *expr = call("regtype_names", vec![take(inner)]);
            return;
        }
    }
    normalise(data_type);
    if let Some(named) = moment::named(inner, data_type) {
        *expr = named;
        return;
    }
    if let Some(read) = super::literal::typed(inner, data_type) {
        *expr = read;
        return;
    }
    if as_object(inner).is_some() {
        if matches!(data_type, DataType::Text) {
            rename(inner, "_text");
            *expr = take(inner);
        } else if matches!(data_type, DataType::IntUnsigned(_)) {
            rename(inner, "_oid");
            *expr = take(inner);
        } else {
            rename(inner, "_oid");
        }
        return;
    }
    if matches!(data_type, DataType::Text)
        && let Some(object) = looked_up(inner)
    {
        *expr = call(&format!("{object}_text"), vec![take(inner)]);
        return;
    }
    if matches!(data_type, DataType::Text) && names_function(inner) {
        *expr = call("regproc_text", vec![take(inner)]);
        return;
    }
    if let DataType::Array(_) = data_type {
        if matches!(array_element(data_type), DataType::Text) {
            elements_of(inner).into_iter().filter(|element| as_object(element).is_some()).for_each(|element| {
                rename(element, "_text");
            });
        }
        if let Some(elements) = literal(inner).and_then(super::array_literal::elements) {
            **inner = call("make_array", elements);
        }
        // `int[]` and `int[][]` are one type; an array has the dimensions of its value.
        let (element, deep) = (array_element(data_type).clone(), super::array_literal::dimensions(inner));
        let array = |of| DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(of), None));
        *data_type = (0..deep).fold(element, |of, _| array(of));
    }
}

/// The function that casts to a type that DataFusion does not have, and its second argument: JSON and
/// UUIDs are types of our own, names and `varchar(n)` are cut. `None` for all other types.
fn own_type(data_type: &DataType) -> Option<(&'static str, Option<u64>)> {
    Some(match data_type {
        DataType::JSON => ("json", None),
        DataType::JSONB => ("jsonb", None),
        DataType::Uuid => ("uuid_cast", None),
        DataType::Varchar(Some(CharacterLength::IntegerLength { length, .. }))
        | DataType::CharacterVarying(Some(CharacterLength::IntegerLength { length, .. })) => {
            ("varchar_cast", Some(*length))
        }
        DataType::Custom(..) => match unqualified(data_type)?.as_str() {
            "json" => ("json", None),
            "jsonb" => ("jsonb", None),
            "uuid" => ("uuid_cast", None),
            "tid" => ("tid_cast", None),
            "name" => ("name_cast", None),
            // The type "char", a single byte.
            "char" => ("char_cast", None),
            _ => return None,
        },
        _ => return None,
    })
}

/// Gives a type the name DataFusion knows, with PostgreSQL's meaning: `float` is double, `float(24)`
/// real, `varchar(3)` is a text, timestamps have microseconds. Arrays are normalised by their element. Unknown types
/// stay, and are refused by name.
pub(crate) fn normalise(data_type: &mut DataType) {
    let known = match data_type {
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _) | ArrayElemTypeDef::AngleBracket(element)) => {
            normalise(element);
            if let DataType::Array(ArrayElemTypeDef::SquareBracket(_, size)) = data_type {
                *size = None;
            }
            return;
        }
        DataType::Float(info) => {
            let precision = info.to_string();
            let single = matches!(precision.trim_matches(['(', ')']).parse::<u8>(), Ok(1..=24));
            if single { DataType::Real } else { DataType::DoublePrecision }
        }
        DataType::Timestamp(precision, zone) if *precision != Some(6) => DataType::Timestamp(Some(6), *zone),
        DataType::Time(Some(_), zone) => DataType::Time(None, *zone),
        DataType::Char(_)
        | DataType::Character(_)
        | DataType::CharacterVarying(_)
        | DataType::CharVarying(_)
        | DataType::Varchar(_)
        | DataType::Nvarchar(_) => DataType::Text,
        // Without precision it has as many digits as its value, of a type with room for most.
        DataType::Dec(ExactNumberInfo::None)
        | DataType::Decimal(ExactNumberInfo::None)
        | DataType::Numeric(ExactNumberInfo::None) => unbound(),
        // As many as there are beneath. A number with more of them does not fit, and says so.
        DataType::Dec(ExactNumberInfo::PrecisionAndScale(digits, scale))
        | DataType::Decimal(ExactNumberInfo::PrecisionAndScale(digits, scale))
        | DataType::Numeric(ExactNumberInfo::PrecisionAndScale(digits, scale))
            if *digits > DIGITS =>
        {
            DataType::Numeric(ExactNumberInfo::PrecisionAndScale(DIGITS, *scale))
        }
        DataType::Dec(ExactNumberInfo::Precision(digits))
        | DataType::Decimal(ExactNumberInfo::Precision(digits))
        | DataType::Numeric(ExactNumberInfo::Precision(digits))
            if *digits > DIGITS =>
        {
            DataType::Numeric(ExactNumberInfo::PrecisionAndScale(DIGITS, 0))
        }
        DataType::Dec(info) => DataType::Numeric(*info),
        DataType::Custom(..) => match unqualified(data_type).as_deref().and_then(named) {
            Some(known) => known,
            None => return,
        },
        _ => return,
    };
    *data_type = known;
}

/// `numeric` without precision, which the typing knows as `typing::kind::UNBOUND`.
fn unbound() -> DataType {
    DataType::Numeric(ExactNumberInfo::PrecisionAndScale(76, 38))
}

/// The type of the elements of an array type, however many dimensions are written.
fn array_element(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _) | ArrayElemTypeDef::AngleBracket(element)) => {
            array_element(element)
        }
        other => other,
    }
}

/// The type for a name of `pg_type`; array types by their name with an underscore. `None` for a name
/// this server does not know.
///
/// `oid` and `xid` are unsigned 32-bit integers, as in PostgreSQL; types without an equal in Arrow
/// are texts.
pub(crate) fn named(name: &str) -> Option<DataType> {
    use datafusion::sql::sqlparser::ast::TimezoneInfo;
    let array = |element| DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(element), None));
    Some(match name {
        "bool" | "boolean" => DataType::Boolean,
        "bytea" => DataType::Bytea,
        "bpchar" | "char" | "citext" | "cstring" | "name" | "refcursor" | "text" | "unknown" | "varchar" => {
            DataType::Text
        }
        // Of these objects the catalog has none: their numbers have no name.
        "regconfig" | "regdictionary" | "regoper" | "regoperator" => DataType::Text,
        "date" => DataType::Date,
        "float4" => DataType::Real,
        "float8" => DataType::DoublePrecision,
        "int2" => DataType::SmallInt(None),
        "int4" => DataType::Int(None),
        "int8" => DataType::BigInt(None),
        "int2vector" => array(DataType::SmallInt(None)),
        "interval" => DataType::Interval { fields: None, precision: None },
        "numeric" => unbound(),
        "cid" | "oid" | "xid" => DataType::IntUnsigned(None),
        "oidvector" => array(DataType::IntUnsigned(None)),
        "time" => DataType::Time(None, TimezoneInfo::None),
        "timestamp" => DataType::Timestamp(Some(6), TimezoneInfo::None),
        "timestamptz" => instant(),
        "_text" | "_name" | "_varchar" => array(DataType::Text),
        "_int4" => array(DataType::Int(None)),
        "_int8" => array(DataType::BigInt(None)),
        _ => return None,
    })
}
