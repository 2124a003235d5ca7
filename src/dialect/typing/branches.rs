//! What is brought to one type: the branches of CASE, lists, ranges, elements, and a value with what it is looked for in.

use super::context::Typing;
use super::kind::{Kind, UNBOUND, refusal, widest};
use super::operand::Operand;
use super::operator::whole_literal;
use crate::dialect::equality::key_of;
use crate::dialect::moment::interval_order::length;
use crate::error::ErrorKind;
use crate::text::json;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::expr::{Between, Case, InList, Like};
use datafusion::logical_expr::logical_plan::Subquery;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlanBuilder, Operator, lit};
use std::sync::Arc;

impl Typing<'_> {
    /// The type in which branches come together, by PostgreSQL's `select_common_type`; text when no branch has one.
    /// `context` names the construct in the error.
    ///
    /// # Errors
    /// 42804 for branches of kinds that do not go together.
    pub(super) fn common_type(&self, branches: &[Operand], context: &str) -> Result<DataType> {
        let mut kind = Kind::Unknown;
        for branch in branches {
            let of = branch.kind();
            kind = kind.common(&of).ok_or_else(|| {
                let text = format!("{context} types {} and {} cannot be matched", kind.name(), of.name());
                refusal(ErrorKind::TypeMismatch, text)
            })?;
        }
        let same = |branch: &Operand| branch.kind() == kind;
        match &kind {
            Kind::Unknown => Ok(DataType::Utf8),
            Kind::Numeric => self.common_numeric(branches),
            Kind::Array(element) if **element == Kind::Numeric => {
                let known = branches.iter().filter(|branch| same(branch)).map(|branch| &branch.data_type);
                let mut elements = known.filter_map(|data_type| match data_type {
                    DataType::List(element) => Some(element.data_type()),
                    _ => None,
                });
                let first = elements.next().cloned().unwrap_or(UNBOUND);
                let widest = elements.try_fold(first, |wide, element| widest(&wide, element))?;
                Ok(DataType::new_list(widest, true))
            }
            _ => {
                let mut own = branches.iter().filter(|branch| same(branch)).map(|branch| &branch.data_type);
                // Where all are held in one way, they stay in it.
                match own.next() {
                    Some(first) if own.all(|other| other == first) => Ok(first.clone()),
                    first => Ok(kind.data_type().or_else(|| first.cloned()).unwrap_or(DataType::Utf8)),
                }
            }
        }
    }

    /// The decimal with room for all branches.
    fn common_numeric(&self, branches: &[Operand]) -> Result<DataType> {
        let mut wide: Option<DataType> = None;
        for branch in branches {
            let own = match (branch.kind(), &branch.expr) {
                (Kind::Unknown, Expr::Literal(ScalarValue::Null, _)) => continue,
                (Kind::Unknown, Expr::Literal(ScalarValue::Utf8(Some(text)), _)) => {
                    match super::literal::read(text, &UNBOUND)? {
                        Expr::Literal(value, _) => value.data_type(),
                        _ => UNBOUND,
                    }
                }
                (Kind::Unknown, _) => UNBOUND,
                (Kind::Numeric, Expr::Literal(value, _)) => super::literal::trimmed(value)?.data_type,
                _ => branch.data_type.clone(),
            };
            wide = Some(match wide {
                Some(wide) => widest(&wide, &own)?,
                None => widest(&own, &own)?,
            });
        }
        Ok(wide.unwrap_or(UNBOUND))
    }

    /// Operands in their common type.
    pub(super) fn alike(&mut self, branches: Vec<Operand>, context: &str) -> Result<(Vec<Expr>, DataType)> {
        let data_type = self.common_type(&branches, context)?;
        let kind = Kind::of(&data_type);
        let exprs = branches.into_iter().map(|branch| {
            // Texts go together however each is held.
            if kind == Kind::Text && branch.kind() == Kind::Text {
                Ok(branch.expr)
            } else {
                self.coerce(branch, &data_type)
            }
        });
        Ok((exprs.collect::<Result<_>>()?, data_type))
    }

    /// CASE: its results in one type, its value and what it is compared with in one.
    pub(super) fn case(&mut self, case: Case) -> Result<Operand> {
        let value = case.expr.map(|expr| self.typed(*expr)).transpose()?;
        let (mut whens, mut results) = (Vec::new(), Vec::new());
        // PostgreSQL looks at ELSE first.
        let last = case.else_expr.map(|expr| self.typed(*expr)).transpose()?;
        let has_else = last.is_some();
        results.extend(last);
        for (when, then) in case.when_then_expr {
            whens.push(self.typed(*when)?);
            results.push(self.typed(*then)?);
        }
        let (results, data_type) = self.alike(results, "CASE")?;
        let mut results = results.into_iter();
        let else_expr = if has_else { results.next().map(Box::new) } else { None };
        let (value, whens) = match value {
            Some(value) => {
                let value = Self::case_value(value, &whens)?;
                let compared = std::iter::once(value).chain(whens).collect::<Vec<_>>();
                let (compared, data_type) = self.alike(compared, "CASE/WHEN")?;
                let spans = Kind::of(&data_type) == Kind::Interval;
                let zero = Kind::of(&data_type).is_float().then(|| ScalarValue::new_zero(&data_type)).transpose()?;
                let mut compared = compared.into_iter().map(|expr| match &zero {
                    _ if spans => length(expr),
                    // DataFusion 55: CASE tells -0 from 0. Not needed once `CASE 0::float8 WHEN '-0' THEN 1 END` is 1.
                    Some(zero) => expr + Expr::Literal(zero.clone(), None),
                    None => expr,
                });
                (compared.next().map(Box::new), compared.collect::<Vec<_>>())
            }
            None => (None, whens.into_iter().map(|when| self.condition(when, "CASE/WHEN")).collect::<Result<_>>()?),
        };
        let when_then_expr = whens.into_iter().zip(results).map(|(when, then)| (Box::new(when), Box::new(then)));
        let expr = Expr::Case(Case { expr: value, when_then_expr: when_then_expr.collect(), else_expr });
        Ok(Operand { expr, data_type })
    }

    /// The value of a CASE that compares it: one without a type is a text, whatever it is compared with.
    ///
    /// # Errors
    /// 42883 for something that it cannot be compared with.
    fn case_value(value: Operand, whens: &[Operand]) -> Result<Operand> {
        let own = match value.kind() {
            Kind::Unknown => Kind::Text,
            own => own,
        };
        match whens.iter().map(Operand::kind).find(|when| own.comparable(when).is_none()) {
            Some(when) if own != Kind::Other && when != Kind::Other => {
                let text = format!("operator does not exist: {} = {}", own.name(), when.name());
                Err(refusal(ErrorKind::UnknownFunction, text))
            }
            _ => Ok(value),
        }
    }

    /// BETWEEN: each end is compared with the value as an operator of its own would.
    pub(super) fn between(&mut self, between: Between) -> Result<Operand> {
        let value = self.typed(*between.expr)?;
        let (low, high) = (self.typed(*between.low)?, self.typed(*between.high)?);
        let missing = |left: &Operand, right: &Operand| {
            let text = format!("operator does not exist: {} >= {}", left.kind().name(), right.kind().name());
            move || refusal(ErrorKind::UnknownFunction, text.clone())
        };
        let (for_low, low) = self.compared(value.clone(), low.clone(), missing(&value, &low))?;
        let (for_high, high) = self.compared(value.clone(), high.clone(), missing(&value, &high))?;
        if for_low == for_high {
            let between =
                Between { expr: Box::new(for_low), negated: between.negated, low: low.into(), high: high.into() };
            return self.boolean(Expr::Between(between));
        }
        let side = |left: Expr, op: Operator, right: Expr| {
            Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) })
        };
        let within = side(for_low, Operator::GtEq, low).and(side(for_high, Operator::LtEq, high));
        self.boolean(if between.negated { Expr::Not(Box::new(within)) } else { within })
    }

    /// IN over a list: all of it in one type with the value.
    pub(super) fn in_list(&mut self, list: InList) -> Result<Operand> {
        let value = self.typed(*list.expr)?;
        let items = list.list.into_iter().map(|item| self.typed(item)).collect::<Result<Vec<_>>>()?;
        let (value, items) = self.searched_list(value, items)?;
        self.boolean(Expr::InList(InList { expr: Box::new(value), list: items, negated: list.negated }))
    }

    /// A value and the list it is looked for in, in one type.
    fn searched_list(&mut self, value: Operand, items: Vec<Operand>) -> Result<(Expr, Vec<Expr>)> {
        let of_value = value.kind();
        let other = |operand: &Operand| operand.kind() == Kind::Other;
        if other(&value) || items.iter().any(other) {
            return Ok((value.expr, items.into_iter().map(|item| item.expr).collect()));
        }
        if let Some(item) = items.iter().find(|item| of_value.comparable(&item.kind()).is_none()) {
            let text = format!("operator does not exist: {} = {}", of_value.name(), item.kind().name());
            return Err(refusal(ErrorKind::UnknownFunction, text));
        }
        // An integer is looked for among whole numbers as one, without a cast of the column.
        let whole = |item: Operand| match whole_literal(&item) {
            Some(number) if of_value.is_integer() && item.kind() == Kind::Numeric => {
                Operand { expr: lit(number), data_type: DataType::Int64 }
            }
            _ => item,
        };
        let items = items.into_iter().map(whole);
        let all = std::iter::once(value).chain(items).collect::<Vec<_>>();
        let mut kind = Kind::Unknown;
        for operand in &all {
            kind = kind.comparable(&operand.kind()).unwrap_or(kind);
        }
        let data_type = match kind.data_type() {
            Some(data_type) => data_type,
            None => self.common_type(&all, "IN")?,
        };
        let mut exprs = all.into_iter().map(|operand| match operand.kind() {
            Kind::Text if kind == Kind::Text => Ok(operand.expr),
            _ => self.coerce(operand, &data_type),
        });
        let value = exprs.next().transpose()?.unwrap_or_default();
        Ok((value, exprs.collect::<Result<_>>()?))
    }

    /// A value and the subquery it is looked for in, in one type.
    pub(super) fn searched(&mut self, value: Operand, subquery: Subquery) -> Result<(Expr, Subquery)> {
        let columns = subquery.subquery.schema().columns();
        let [column] = columns.as_slice() else { return Ok((value.expr, subquery)) };
        let data_type = match subquery.subquery.schema().field(0).data_type() {
            // A column without a type is a text.
            DataType::Null => DataType::Utf8,
            known => known.clone(),
        };
        let found = Operand { expr: Expr::Column(column.clone()), data_type };
        let (of_value, of_found) = (value.kind(), found.kind());
        let missing = || {
            let text = format!("operator does not exist: {} = {}", of_value.name(), of_found.name());
            refusal(ErrorKind::UnknownFunction, text)
        };
        let both = (value.data_type.clone(), found.data_type.clone());
        let (mut value, mut found) = self.compared(value, found, missing)?;
        if of_value == Kind::Interval || of_found == Kind::Interval {
            (value, found) = (length(value), length(found));
        } else if json::is_jsonb(&both.0) && json::is_jsonb(&both.1) {
            (value, found) = (key_of(value, &both.0), key_of(found, &both.1));
        }
        if found == Expr::Column(column.clone()) {
            return Ok((value, subquery));
        }
        let named = found.alias_qualified(column.relation.clone(), &column.name);
        let plan = LogicalPlanBuilder::from(Arc::unwrap_or_clone(subquery.subquery)).project([named])?.build()?;
        Ok((value, Subquery { subquery: Arc::new(plan), ..subquery }))
    }

    /// LIKE and SIMILAR TO are over texts.
    pub(super) fn like(&mut self, like: Like) -> Result<Like> {
        let (value, pattern) = (self.typed(*like.expr)?, self.typed(*like.pattern)?);
        let missing = |value: &Kind, pattern: &Kind| {
            let text = format!("operator does not exist: {} ~~ {}", value.name(), pattern.name());
            refusal(ErrorKind::UnknownFunction, text)
        };
        let (of_value, of_pattern) = (value.kind(), pattern.kind());
        let text = |kind: &Kind| matches!(kind, Kind::Text | Kind::Unknown | Kind::Other | Kind::Bytea);
        if !text(&of_value) || !text(&of_pattern) {
            return Err(missing(&of_value, &of_pattern));
        }
        let mut side = |operand: Operand| match operand.kind() {
            Kind::Unknown => self.coerce(operand, &DataType::Utf8),
            _ => Ok(operand.expr),
        };
        Ok(Like { expr: Box::new(side(value)?), pattern: Box::new(side(pattern)?), ..like })
    }
}
