//! Calls of functions: their arguments in the types that PostgreSQL's functions take, and with them the function
//! PostgreSQL would choose.

use super::accepted;
use super::context::Typing;
use super::deferred::{self, stands_for};
use super::kind::{Kind, UNBOUND, decimal, digits, refusal};
use super::marked;
use super::operand::Operand;
use super::symbol::{Deferral, Symbol};
use crate::dialect::arithmetic::numeric_function;
use crate::error::ErrorKind;
use crate::text::json;
use arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions::core::expr_fn as core;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{Case, Expr, ExprSchemable, Operator, cast, lit};
use std::sync::Arc;

/// Functions of doubles alone, whatever number they are given.
const OF_DOUBLES: [&str; 19] = [
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh", "cot", "degrees", "radians",
    "sin", "sinh", "tan", "tanh", "setseed", "erf",
];

/// Functions that have one form for doubles, which integers take too, and one for `numeric`.
const OF_DOUBLES_AND_NUMERICS: [&str; 12] =
    ["ceil", "ceiling", "exp", "floor", "ln", "log", "log10", "pow", "power", "sign", "signum", "sqrt"];

/// Functions by the places of their arguments that are of one type; what has no type in such a place takes it.
const PLACES: [(&str, usize, DataType); 40] = [
    ("ascii", 0, DataType::Utf8),
    ("btrim", 1, DataType::Utf8),
    ("chr", 0, DataType::Int32),
    ("left", 0, DataType::Utf8),
    ("left", 1, DataType::Int32),
    ("length", 0, DataType::Utf8),
    ("lower", 0, DataType::Utf8),
    ("lpad", 0, DataType::Utf8),
    ("lpad", 1, DataType::Int32),
    ("lpad", 2, DataType::Utf8),
    ("ltrim", 1, DataType::Utf8),
    ("regexp_match", 1, DataType::Utf8),
    ("regexp_replace", 1, DataType::Utf8),
    ("regexp_replace", 2, DataType::Utf8),
    ("repeat", 0, DataType::Utf8),
    ("repeat", 1, DataType::Int32),
    ("replace", 0, DataType::Utf8),
    ("replace", 1, DataType::Utf8),
    ("replace", 2, DataType::Utf8),
    ("right", 0, DataType::Utf8),
    ("right", 1, DataType::Int32),
    ("round", 1, DataType::Int32),
    ("rpad", 0, DataType::Utf8),
    ("rpad", 1, DataType::Int32),
    ("rpad", 2, DataType::Utf8),
    ("rtrim", 1, DataType::Utf8),
    ("split_part", 0, DataType::Utf8),
    ("split_part", 1, DataType::Utf8),
    ("split_part", 2, DataType::Int32),
    ("starts_with", 1, DataType::Utf8),
    ("strpos", 1, DataType::Utf8),
    ("substr", 0, DataType::Utf8),
    ("substr", 1, DataType::Int32),
    ("substr", 2, DataType::Int32),
    ("substring", 1, DataType::Int32),
    ("substring", 2, DataType::Int32),
    ("to_char", 1, DataType::Utf8),
    ("trunc", 1, DataType::Int32),
    ("upper", 0, DataType::Utf8),
    ("date_trunc", 0, DataType::Utf8),
];

fn scalar(func: Arc<datafusion::logical_expr::ScalarUDF>, args: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction { func, args })
}

impl Typing<'_> {
    /// A call of a scalar function.
    pub(super) fn call(&mut self, call: ScalarFunction) -> Result<Operand> {
        let ScalarFunction { func, args } = call;
        let args = args.into_iter().map(|arg| self.typed(arg)).collect::<Result<Vec<_>>>()?;
        accepted::check(func.name(), &args)?;
        match stands_for(&func) {
            Some(Deferral::Operator(symbol)) => {
                let mut args = args.into_iter();
                let (Some(left), Some(right)) = (args.next(), args.next()) else {
                    return Err(refusal(ErrorKind::Internal, "an operator has two sides"));
                };
                self.operator(symbol, left, right)
            }
            Some(Deferral::Array) => {
                let (elements, element) = self.alike(args, "ARRAY")?;
                let make = datafusion::functions_nested::make_array::make_array_udf();
                self.called(make.call(elements), DataType::new_list(element, true))
            }
            Some(Deferral::Function(name)) => self.branches(name, args),
            None => self.function_call(func, args),
        }
    }

    /// An expression by its own type, or else by the one that is expected of it.
    fn called(&self, expr: Expr, expected: DataType) -> Result<Operand> {
        Ok(Operand { data_type: expr.get_type(self.schema.as_ref()).unwrap_or(expected), expr })
    }

    /// A function whose arguments come to one type, or a mark.
    fn branches(&mut self, name: &str, args: Vec<Operand>) -> Result<Operand> {
        if name == marked::CAST || name == marked::UNKNOWN {
            return args.into_iter().next().ok_or_else(|| refusal(ErrorKind::Internal, "a mark is around something"));
        }
        if name == marked::BEYOND {
            let call = deferred::beyond(args.into_iter().map(|arg| arg.expr).collect());
            return Ok(Operand { expr: call, data_type: UNBOUND });
        }
        if name == "nullif" {
            return self.null_if(args);
        }
        if name == "array_has" {
            return self.has(args);
        }
        let (args, data_type) = self.alike(args, &name.to_ascii_uppercase())?;
        if matches!(name, "greatest" | "least") && matches!(data_type, DataType::List(_)) {
            // DataFusion 55: an element that is NULL comes before all others there, and not behind them.
            return Err(refusal(ErrorKind::NotSupported, format!("{name} of arrays is not supported")));
        }
        let expr = match name {
            "greatest" => core::greatest(args),
            "least" => core::least(args),
            _ => core::coalesce(args),
        };
        Ok(Operand { expr, data_type })
    }

    /// `x = ANY (a)`, whose arguments are the array and the element.
    fn has(&mut self, args: Vec<Operand>) -> Result<Operand> {
        let args: Vec<Expr> = self.with_element(args)?.into_iter().map(|arg| arg.expr).collect();
        let unknown = self.function("array_unknown", args.first().cloned().into_iter().collect())?;
        let has = datafusion::functions_nested::array_has::array_has_udf();
        self.called(has.call(args).or(unknown), DataType::Boolean)
    }

    /// `nullif(a, b)` compares as `=` does, and has the type of its first argument there.
    fn null_if(&mut self, args: Vec<Operand>) -> Result<Operand> {
        let Ok([value, other]) = <[Operand; 2]>::try_from(args) else {
            return Err(refusal(ErrorKind::UnknownFunction, "function nullif takes two values"));
        };
        let (of_value, of_other) = (value.kind(), other.kind());
        let missing = || {
            let text = format!("operator does not exist: {} = {}", of_value.name(), of_other.name());
            refusal(ErrorKind::UnknownFunction, text)
        };
        let alike =
            |one: &Kind, two: &Kind| (one.is_integer() && two.is_integer()) || (one.is_float() && two.is_float());
        if of_value != of_other
            && !alike(&of_value, &of_other)
            && (of_value == Kind::Numeric || of_other == Kind::Numeric)
        {
            let wide = of_value.arithmetic(&of_other).and_then(|kind| kind.data_type());
            let (left, right) = match wide {
                Some(data_type) => (self.coerce(value, &data_type)?, self.coerce(other, &data_type)?),
                None => self.compared_numerics(value, other)?,
            };
            let data_type = left.get_type(self.schema.as_ref())?;
            return Ok(Operand { expr: core::nullif(left, right), data_type });
        }
        let (left, right) = self.compared(value.clone(), other, missing)?;
        // DataFusion 55: `nullif` tells -0 from 0.
        if (left == value.expr && !of_value.is_float()) || of_value == Kind::Unknown {
            let data_type = left.get_type(self.schema.as_ref())?;
            return Ok(Operand { expr: core::nullif(left, right), data_type });
        }
        let Operand { expr, data_type } = value;
        let nothing = Expr::Literal(ScalarValue::try_from(&data_type)?, None);
        let same = vec![(Box::new(left.eq(right)), Box::new(nothing))];
        Ok(Operand { expr: Expr::Case(Case::new(None, same, Some(Box::new(expr)))), data_type })
    }

    /// A function by its name, over arguments that are typed.
    pub(super) fn function(&self, name: &str, args: Vec<Expr>) -> Result<Expr> {
        Ok(scalar(self.registry.udf(name)?, args))
    }

    /// `x['a'][1]` of a `jsonb`: the value at the end of a path.
    fn member_of_document(&mut self, args: Vec<Operand>) -> Result<Operand> {
        let mut args = args.into_iter();
        let document = args.next().map(|document| document.expr);
        let path = args.map(|step| match step.kind() {
            Kind::Int2 | Kind::Int4 | Kind::Int8 => Ok(cast(step.expr, DataType::Utf8)),
            _ => self.coerce(step, &DataType::Utf8),
        });
        let path = path.collect::<Result<Vec<_>>>()?;
        let path = datafusion::functions_nested::make_array::make_array_udf().call(path);
        let expr = self.function("jsonb_extract_path", document.into_iter().chain([path]).collect())?;
        let data_type = expr.get_type(self.schema.as_ref())?;
        Ok(Operand { expr, data_type })
    }

    fn function_call(
        &mut self,
        func: Arc<datafusion::logical_expr::ScalarUDF>,
        mut args: Vec<Operand>,
    ) -> Result<Operand> {
        let name = func.name().to_owned();
        let name = name.as_str();
        if name == "pg_typeof" && args.iter().all(|arg| arg.kind() == Kind::Unknown) {
            return Ok(Operand { expr: lit("unknown"), data_type: DataType::Utf8 });
        }
        if name == "array_subscript" && args.first().is_some_and(|arg| json::is_jsonb(&arg.data_type)) {
            return self.member_of_document(args);
        }
        if name == "mod"
            && let [_, _] = args.as_slice()
        {
            let (right, left) = (args.pop(), args.pop());
            if let (Some(left), Some(right)) = (left, right) {
                return self.operator(Symbol::Operator(Operator::Modulo), left, right);
            }
        }
        let number = |arg: &Operand| arg.kind().is_number() || arg.kind() == Kind::Unknown;
        // Of integers there is no form of their own.
        let rounds = matches!(name, "round" | "trunc")
            && matches!(args.as_slice(), [number] if number.kind().is_integer() || number.kind() == Kind::Float4);
        if (OF_DOUBLES.contains(&name) || rounds) && args.iter().all(number) {
            args = self.as_doubles(args)?;
        }
        if OF_DOUBLES_AND_NUMERICS.contains(&name) && args.iter().all(number) {
            // Of a logarithm to any base there is the form for `numeric` alone.
            let numeric = args.iter().any(|arg| arg.kind() == Kind::Numeric) || (name == "log" && args.len() == 2);
            if numeric && !args.iter().any(|arg| arg.kind().is_float()) {
                return self.numeric_call(name, args);
            }
            args = self.as_doubles(args)?;
            if name == "signum" {
                // Of NaN it is 0, which is neither above it nor below.
                let sign = scalar(func, args.into_iter().map(|arg| arg.expr).collect());
                let expr = self.function("nanvl", vec![sign, lit(0_f64)])?;
                return Ok(Operand { expr, data_type: DataType::Float64 });
            }
        }
        if name == "array_has" {
            return self.has(args);
        }
        if matches!(name, "array_position" | "array_positions" | "array_append" | "array_remove") {
            args = self.with_element(args)?;
        }
        if matches!(name, "array_has_all" | "array_has_any") {
            args = self.arrays_alike(args)?;
        }
        let small = |arg: &Operand| arg.data_type == DataType::Int32;
        if name == "generate_series"
            && args.iter().any(small)
            && args.iter().all(|arg| small(arg) || arg.kind() == Kind::Unknown)
        {
            // A bound without a type has that of the others.
            let integer =
                |arg: Operand| Ok(Operand { expr: self.coerce(arg, &DataType::Int32)?, data_type: DataType::Int32 });
            args = args.into_iter().map(integer).collect::<Result<_>>()?;
        }
        args = self.retaken(func.as_ref(), args)?;
        let mut exprs = Vec::with_capacity(args.len());
        let types: Vec<DataType> = args.iter().map(|arg| arg.data_type.clone()).collect();
        for (place, arg) in args.into_iter().enumerate() {
            exprs.push(self.argument(&func, &types, place, arg)?);
        }
        let small = name == "generate_series" && types.iter().all(|data_type| *data_type == DataType::Int32);
        let expr = scalar(func, exprs);
        let data_type = expr.get_type(self.schema.as_ref())?;
        let of_integers = types.iter().all(|data_type| matches!(data_type, DataType::Int16 | DataType::Int32));
        if matches!(name, "gcd" | "lcm") && of_integers {
            return Ok(Operand { expr: cast(expr, DataType::Int32), data_type: DataType::Int32 });
        }
        if small {
            // DataFusion's series are of 64 bits.
            let data_type = DataType::new_list(DataType::Int32, true);
            return Ok(Operand { expr: cast(expr, data_type.clone()), data_type });
        }
        Ok(Operand { expr, data_type })
    }

    /// An argument that has no type takes that of its place.
    fn argument(
        &mut self,
        func: &datafusion::logical_expr::ScalarUDF,
        types: &[DataType],
        place: usize,
        arg: Operand,
    ) -> Result<Expr> {
        if arg.kind() != Kind::Unknown {
            return self.exact(func, types, place, arg);
        }
        let known = PLACES.iter().find(|(name, at, _)| *name == func.name() && *at == place);
        if let Some((_, _, data_type)) = known {
            return if matches!(arg.expr, Expr::Literal(ScalarValue::Null, _)) {
                Ok(arg.expr)
            } else {
                self.coerce(arg, data_type)
            };
        }
        if !matches!(arg.expr, Expr::Placeholder(_)) {
            return Ok(arg.expr);
        }
        let fields = types.iter().map(|data_type| Arc::new(Field::new("argument", data_type.clone(), true)));
        let coerced = fields_with_udf(&fields.collect::<Vec<_>>(), func);
        let wanted = coerced.ok().and_then(|fields| fields.get(place).map(|field| field.data_type().clone()));
        self.coerce(arg, &wanted.filter(|data_type| !data_type.is_null()).unwrap_or(DataType::Utf8))
    }

    fn as_doubles(&mut self, args: Vec<Operand>) -> Result<Vec<Operand>> {
        let double =
            |arg: Operand| Ok(Operand { expr: self.coerce(arg, &DataType::Float64)?, data_type: DataType::Float64 });
        args.into_iter().map(double).collect()
    }

    /// Two arrays, of which one without a type takes that of the other.
    fn arrays_alike(&mut self, args: Vec<Operand>) -> Result<Vec<Operand>> {
        let known = args.iter().find(|arg| matches!(arg.kind(), Kind::Array(_))).map(|arg| arg.data_type.clone());
        let Some(data_type) = known else { return Ok(args) };
        let typed = |arg: Operand| match arg.kind() {
            Kind::Unknown => Ok(Operand { expr: self.coerce(arg, &data_type)?, data_type: data_type.clone() }),
            _ => Ok(arg),
        };
        args.into_iter().map(typed).collect()
    }

    /// A list, and what is looked for in it, in one type.
    fn with_element(&mut self, args: Vec<Operand>) -> Result<Vec<Operand>> {
        let mut args = args.into_iter();
        let (Some(list), Some(value)) = (args.next(), args.next()) else { return Ok(args.collect()) };
        let rest = args;
        let (list, value) = match (list.kind(), value.kind()) {
            (Kind::Array(element), of_value) if *element == of_value || *element == Kind::Other => (list, value),
            (Kind::Array(_), Kind::Unknown) => {
                let DataType::List(element) = list.data_type.clone() else { return Ok(vec![list, value]) };
                let data_type = element.data_type().clone();
                (list, Operand { expr: self.coerce(value, &data_type)?, data_type })
            }
            (Kind::Array(element), of_value) => {
                let missing = || {
                    let text = format!("operator does not exist: {} = {}", of_value.name(), element.name());
                    refusal(ErrorKind::UnknownFunction, text)
                };
                let kind = element.comparable(&of_value).ok_or_else(missing)?;
                let data_type = kind.data_type().unwrap_or(UNBOUND);
                let list_type = DataType::new_list(data_type.clone(), true);
                let value = Operand { expr: self.coerce(value, &data_type)?, data_type };
                (Operand { expr: cast(list.expr, list_type.clone()), data_type: list_type }, value)
            }
            (Kind::Unknown, of_value) => {
                let element = match of_value {
                    Kind::Unknown => DataType::Utf8,
                    _ => self.own_type(&value),
                };
                let data_type = DataType::new_list(element.clone(), true);
                let list = Operand { expr: self.coerce(list, &data_type)?, data_type };
                let value = match of_value {
                    Kind::Text => value,
                    _ => Operand { expr: self.coerce(value, &element)?, data_type: element },
                };
                (list, value)
            }
            _ => (list, value),
        };
        Ok([list, value].into_iter().chain(rest).collect())
    }

    /// The `numeric` form of a function.
    fn numeric_call(&mut self, name: &str, args: Vec<Operand>) -> Result<Operand> {
        let args = args.into_iter().map(|arg| self.numeric(arg)).collect::<Result<Vec<_>>>()?;
        match (name, args.as_slice()) {
            ("ceil" | "ceiling" | "floor", [value]) => {
                let (places, scale) = digits(&value.data_type)?;
                let (room, whole) = (decimal(places + 1, scale), decimal(places - scale + 1, 0));
                let name = if name == "floor" { "floor" } else { "ceil" };
                let expr = cast(self.function(name, vec![cast(value.expr.clone(), room)])?, whole.clone());
                Ok(Operand { expr, data_type: whole })
            }
            ("pow" | "power", [_, _]) => {
                let mut args = args.into_iter();
                let (Some(base), Some(exponent)) = (args.next(), args.next()) else {
                    return Err(refusal(ErrorKind::Internal, "power takes two values"));
                };
                Ok(Operand {
                    expr: numeric_function::call("power", vec![base.expr, exponent.expr]),
                    data_type: UNBOUND,
                })
            }
            (_, [_] | [_, _]) => {
                let args = args.into_iter().map(|arg| arg.expr).collect();
                Ok(Operand { expr: numeric_function::call(name, args), data_type: UNBOUND })
            }
            _ => {
                Err(refusal(ErrorKind::UnknownFunction, format!("function {name} does not exist for these arguments")))
            }
        }
    }
}
