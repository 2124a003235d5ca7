//! The operators of an expression bind as in PostgreSQL's grammar: its table of precedence, its
//! prefix operators, and the operators that do not associate.
//!
//! sqlparser 0.62: `~`, `~*` and `~~` bind like comparisons and `OPERATOR(...)` like BETWEEN, unary
//! minus binds weaker than `^` and the other prefix operators stronger than `*`, IS DISTINCT FROM
//! takes AND and OR into its right side, COLLATE is not read behind a cast, ISNULL is an alias, BETWEEN SYMMETRIC and LIKE ANY of an
//! array are unknown, and `a < b < c` is read from the left. Not needed once `operators.slt` passes
//! without this file.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, UnaryOperator,
};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, Word};

/// Of OR, which binds weakest.
const OR: u8 = 10;
/// Of AND, stronger than OR.
const AND: u8 = 20;
/// Of `IS ...`, ISNULL and NOTNULL, which do not associate.
const IS: u8 = 40;
/// Of the comparisons, which do not associate.
const COMPARISON: u8 = 50;
/// Of BETWEEN, IN, LIKE, ILIKE and SIMILAR TO, which do not associate.
const BETWEEN: u8 = 60;
/// Of every operator that has no line of its own, in front of an operand too.
const OTHER: u8 = 70;
/// Of `+` and `-`.
const SUM: u8 = 80;
/// Of `*`, `/` and `%`.
const PRODUCT: u8 = 90;
/// Of `^`, which stands for a power.
const POWER: u8 = 100;
/// Of AT TIME ZONE.
const AT: u8 = 110;
/// Of COLLATE, behind an operand.
const COLLATE: u8 = 120;
/// Of a sign in front of its operand.
const SIGN: u8 = 125;
/// Of subscripts in brackets.
const SUBSCRIPT: u8 = 130;
/// Of `::`, the cast behind an operand.
const CAST: u8 = 140;
/// Of the point between names, which binds strongest.
const PERIOD: u8 = 200;

/// How strongly the next token binds what is before it to what follows; 0 for one that ends the
/// expression.
pub(super) fn precedence(parser: &Parser<'_>) -> u8 {
    match &parser.peek_token_ref().token {
        Token::Word(word) => match word.keyword {
            Keyword::OR => OR,
            Keyword::AND => AND,
            Keyword::IS | Keyword::NOTNULL => IS,
            Keyword::NoKeyword if is_null(word) => IS,
            Keyword::IN | Keyword::BETWEEN | Keyword::LIKE | Keyword::ILIKE | Keyword::SIMILAR => BETWEEN,
            Keyword::NOT => match keyword(parser, 1) {
                Keyword::IN | Keyword::BETWEEN | Keyword::LIKE | Keyword::ILIKE | Keyword::SIMILAR => BETWEEN,
                _ => 0,
            },
            Keyword::AT if keyword(parser, 1) == Keyword::TIME && keyword(parser, 2) == Keyword::ZONE => AT,
            Keyword::COLLATE => COLLATE,
            Keyword::OVERLAPS => OTHER,
            Keyword::OPERATOR if parser.peek_nth_token_ref(1).token == Token::LParen => OTHER,
            _ => 0,
        },
        Token::Eq | Token::Lt | Token::LtEq | Token::Neq | Token::Gt | Token::GtEq => COMPARISON,
        Token::Plus | Token::Minus => SUM,
        Token::Mul | Token::Div | Token::Mod => PRODUCT,
        Token::Caret => POWER,
        Token::LBracket => SUBSCRIPT,
        Token::DoubleColon => CAST,
        Token::Period => PERIOD,
        Token::Tilde
        | Token::TildeAsterisk
        | Token::ExclamationMarkTilde
        | Token::ExclamationMarkTildeAsterisk
        | Token::DoubleTilde
        | Token::DoubleTildeAsterisk
        | Token::ExclamationMarkDoubleTilde
        | Token::ExclamationMarkDoubleTildeAsterisk
        | Token::StringConcat
        | Token::Pipe
        | Token::Ampersand
        | Token::Sharp
        | Token::DoubleSharp
        | Token::ShiftLeft
        | Token::ShiftRight
        | Token::Overlap
        | Token::CaretAt
        | Token::Arrow
        | Token::LongArrow
        | Token::HashArrow
        | Token::HashLongArrow
        | Token::AtArrow
        | Token::ArrowAt
        | Token::HashMinus
        | Token::AtQuestion
        | Token::AtAt
        | Token::AtSign
        | Token::Question
        | Token::QuestionAnd
        | Token::QuestionPipe
        | Token::QuestionMarkDash
        | Token::QuestionMarkDashVerticalBar
        | Token::QuestionMarkDoubleVerticalBar
        | Token::QuestionMarkSharp
        | Token::AmpersandLeftAngleBracket
        | Token::AmpersandRightAngleBracket
        | Token::AmpersandLeftAngleBracketVerticalBar
        | Token::VerticalBarAmpersandRightAngleBracket
        | Token::TwoWayArrow
        | Token::LeftAngleBracketCaret
        | Token::RightAngleBracketCaret
        | Token::TildeEqual
        | Token::ShiftLeftVerticalBar
        | Token::VerticalBarShiftRight
        | Token::CustomBinaryOperator(_) => OTHER,
        _ => 0,
    }
}

/// Reads a sign or another operator in front of its operand, or `trim(...)`; `None` for all else,
/// which sqlparser reads.
pub(super) fn prefix(parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
    let (op, precedence) = match &parser.peek_token_ref().token {
        Token::Minus => (UnaryOperator::Minus, SIGN),
        Token::Plus => (UnaryOperator::Plus, SIGN),
        Token::Tilde => (UnaryOperator::BitwiseNot, OTHER),
        Token::AtSign => (UnaryOperator::PGAbs, OTHER),
        Token::PGSquareRoot => (UnaryOperator::PGSquareRoot, OTHER),
        Token::PGCubeRoot => (UnaryOperator::PGCubeRoot, OTHER),
        Token::Word(word) if word.keyword == Keyword::TRIM && parser.peek_nth_token_ref(1).token == Token::LParen => {
            return Some(trim(parser));
        }
        _ => return None,
    };
    parser.advance_token();
    let operand = parser.parse_subexpr(precedence);
    Some(operand.map(|expr| Expr::UnaryOp { op, expr: Box::new(expr) }))
}

/// `trim([BOTH | LEADING | TRAILING] [what] [FROM] text [, what])` as the call that PostgreSQL makes
/// of it: `btrim`, `ltrim` or `rtrim`.
///
/// sqlparser 0.62: `trim(leading from x)`, `trim(from x)` and lists behind LEADING are not read.
fn trim(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
    parser.advance_token();
    parser.expect_token(&Token::LParen)?;
    let name = match parser.parse_one_of_keywords(&[Keyword::BOTH, Keyword::LEADING, Keyword::TRAILING]) {
        Some(Keyword::LEADING) => "ltrim",
        Some(Keyword::TRAILING) => "rtrim",
        _ => "btrim",
    };
    let arguments = if parser.parse_keyword(Keyword::FROM) {
        parser.parse_comma_separated(Parser::parse_expr)?
    } else {
        let mut first = parser.parse_comma_separated(Parser::parse_expr)?;
        if first.len() == 1 && parser.parse_keyword(Keyword::FROM) {
            let mut texts = parser.parse_comma_separated(Parser::parse_expr)?;
            texts.append(&mut first);
            texts
        } else {
            first
        }
    };
    parser.expect_token(&Token::RParen)?;
    let argument = |expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
    let args = arguments.into_iter().map(argument).collect();
    Ok(Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }))
}

/// Reads what sqlparser reads otherwise behind an operand; `None` for all else. `precedence` is that
/// of the next token.
pub(super) fn infix(parser: &mut Parser<'_>, left: &Expr, precedence: u8) -> Option<Result<Expr, ParserError>> {
    if !associates(left, precedence) {
        return Some(parser.expected("end of the comparison", parser.peek_token()));
    }
    if precedence == COLLATE {
        parser.advance_token();
        let collation = parser.parse_object_name(false);
        return Some(collation.map(|collation| Expr::Collate { expr: Box::new(left.clone()), collation }));
    }
    if keyword(parser, 0) == Keyword::OPERATOR {
        return of_named(parser, left);
    }
    if precedence != IS && precedence != BETWEEN {
        return None;
    }
    if matches!(&parser.peek_token_ref().token, Token::Word(word) if is_null(word)) {
        parser.advance_token();
        return Some(Ok(Expr::IsNull(Box::new(left.clone()))));
    }
    let negated = usize::from(keyword(parser, 0) == Keyword::NOT);
    match (keyword(parser, negated), keyword(parser, negated + 1)) {
        (Keyword::IS, Keyword::DISTINCT | Keyword::NOT) => distinct(parser, left),
        (Keyword::BETWEEN, Keyword::SYMMETRIC | Keyword::ASYMMETRIC) => Some(between(parser, left, negated == 1)),
        (like @ (Keyword::LIKE | Keyword::ILIKE), of @ (Keyword::ANY | Keyword::SOME | Keyword::ALL)) => {
            let op = match (like, negated) {
                (Keyword::LIKE, 0) => BinaryOperator::PGLikeMatch,
                (Keyword::LIKE, _) => BinaryOperator::PGNotLikeMatch,
                (_, 0) => BinaryOperator::PGILikeMatch,
                _ => BinaryOperator::PGNotILikeMatch,
            };
            (0..negated + 2).for_each(|_| parser.advance_token());
            Some(of_all(parser, left, op, of))
        }
        _ => None,
    }
}

/// Whether an operator of this precedence may follow this expression: comparisons of one line of the
/// table have to be in parentheses.
fn associates(left: &Expr, precedence: u8) -> bool {
    match (precedence, left) {
        (COMPARISON, Expr::BinaryOp { op, .. }) => !matches!(
            op,
            BinaryOperator::Eq
                | BinaryOperator::NotEq
                | BinaryOperator::Lt
                | BinaryOperator::LtEq
                | BinaryOperator::Gt
                | BinaryOperator::GtEq
        ),
        (BETWEEN, Expr::Like { .. } | Expr::ILike { .. } | Expr::SimilarTo { .. } | Expr::Between { .. })
        | (IS, Expr::IsDistinctFrom(..) | Expr::IsNotDistinctFrom(..)) => false,
        _ => true,
    }
}

/// `IS [NOT] DISTINCT FROM`; `None` when IS begins something else.
fn distinct(parser: &mut Parser<'_>, left: &Expr) -> Option<Result<Expr, ParserError>> {
    let negated = match (keyword(parser, 1), keyword(parser, 2), keyword(parser, 3)) {
        (Keyword::DISTINCT, Keyword::FROM, _) => false,
        (Keyword::NOT, Keyword::DISTINCT, Keyword::FROM) => true,
        _ => return None,
    };
    (0..3 + usize::from(negated)).for_each(|_| parser.advance_token());
    let (left, right) = (Box::new(left.clone()), parser.parse_subexpr(IS).map(Box::new));
    Some(right.map(|right| match negated {
        false => Expr::IsDistinctFrom(left, right),
        true => Expr::IsNotDistinctFrom(left, right),
    }))
}

/// `[NOT] BETWEEN SYMMETRIC`, the bounds in either order, as PostgreSQL spells it out; ASYMMETRIC is
/// BETWEEN itself.
fn between(parser: &mut Parser<'_>, left: &Expr, negated: bool) -> Result<Expr, ParserError> {
    (0..1 + usize::from(negated)).for_each(|_| parser.advance_token());
    let symmetric = parser.parse_keyword(Keyword::SYMMETRIC) || !parser.parse_keyword(Keyword::ASYMMETRIC);
    let low = parser.parse_subexpr(BETWEEN)?;
    parser.expect_keyword_is(Keyword::AND)?;
    let high = parser.parse_subexpr(BETWEEN)?;
    let within = |low: Expr, high: Expr| {
        let (expr, low, high) = (Box::new(left.clone()), Box::new(low), Box::new(high));
        Expr::Between { expr, negated, low, high }
    };
    if !symmetric {
        return Ok(within(low, high));
    }
    let op = if negated { BinaryOperator::And } else { BinaryOperator::Or };
    let (left, right) = (Box::new(within(low.clone(), high.clone())), Box::new(within(high, low)));
    Ok(Expr::Nested(Box::new(Expr::BinaryOp { left, op, right })))
}

/// The array or subquery behind LIKE ANY, SOME or ALL.
fn of_all(parser: &mut Parser<'_>, left: &Expr, op: BinaryOperator, of: Keyword) -> Result<Expr, ParserError> {
    parser.expect_token(&Token::LParen)?;
    let right = if matches!(keyword(parser, 0), Keyword::SELECT | Keyword::WITH | Keyword::VALUES) {
        Expr::Subquery(parser.parse_query()?)
    } else {
        parser.parse_expr()?
    };
    parser.expect_token(&Token::RParen)?;
    let (left, right) = (Box::new(left.clone()), Box::new(right));
    Ok(match of {
        Keyword::ALL => Expr::AllOp { left, compare_op: op, right },
        _ => Expr::AnyOp { left, compare_op: op, right, is_some: of == Keyword::SOME },
    })
}

/// `OPERATOR(pg_catalog.=) ANY (...)`; `None` when no ANY, SOME or ALL is behind the operator.
///
/// sqlparser 0.62: only plain operators are read before ANY.
fn of_named(parser: &mut Parser<'_>, left: &Expr) -> Option<Result<Expr, ParserError>> {
    let (mut path, mut end) = (Vec::new(), 2);
    loop {
        match &parser.peek_nth_token_ref(end).token {
            Token::RParen => break,
            Token::EOF | Token::LParen | Token::SemiColon => return None,
            Token::Period => {}
            part => path.push(part.to_string()),
        }
        end += 1;
    }
    let of = keyword(parser, end + 1);
    if !matches!(of, Keyword::ANY | Keyword::SOME | Keyword::ALL) {
        return None;
    }
    (0..end + 2).for_each(|_| parser.advance_token());
    Some(of_all(parser, left, BinaryOperator::PGCustomBinaryOperator(path), of))
}

/// Whether a word is ISNULL, which sqlparser has no keyword for.
fn is_null(word: &Word) -> bool {
    word.quote_style.is_none() && word.value.eq_ignore_ascii_case("isnull")
}

/// The keyword that so many tokens ahead is; `NoKeyword` for names and other tokens.
fn keyword(parser: &Parser<'_>, ahead: usize) -> Keyword {
    match &parser.peek_nth_token_ref(ahead).token {
        Token::Word(word) => word.keyword,
        _ => Keyword::NoKeyword,
    }
}
