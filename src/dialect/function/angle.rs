//! Sines and their like of angles in degrees, exact where PostgreSQL's are: `sind(30)` is 0.5, `cosd(60)`
//! is 0.5, `tand(45)` is 1.
//!
//! Each is scaled by its own value at the place where it has to be exact.

/// Radians of one degree.
const DEGREE: f64 = 0.017_453_292_519_943_295;

/// The sine of an angle.
pub(crate) fn sind(x: f64) -> f64 {
    let (mut x, mut sign) = (x % 360.0, 1.0);
    if x < 0.0 {
        (x, sign) = (-x, -sign);
    }
    if x > 180.0 {
        (x, sign) = (360.0 - x, -sign);
    }
    sign * sine(if x > 90.0 { 180.0 - x } else { x })
}

/// The cosine of an angle.
pub(crate) fn cosd(x: f64) -> f64 {
    let mut x = (x % 360.0).abs();
    if x > 180.0 {
        x = 360.0 - x;
    }
    if x > 90.0 { -cosine(180.0 - x) } else { cosine(x) }
}

/// The tangent of an angle.
pub(crate) fn tand(x: f64) -> f64 {
    let (x, sign) = first_quarter(x);
    sign * ((sine(x) / cosine(x)) / (sine(45.0) / cosine(45.0))) + 0.0
}

/// The cotangent of an angle.
pub(crate) fn cotd(x: f64) -> f64 {
    let (x, sign) = first_quarter(x);
    sign * ((cosine(x) / sine(x)) / (cosine(45.0) / sine(45.0))) + 0.0
}

/// The angle of a sine.
pub(crate) fn asind(x: f64) -> f64 {
    if x < 0.0 { -quarter_of_sine(-x) } else { quarter_of_sine(x) }
}

/// The angle of a cosine.
pub(crate) fn acosd(x: f64) -> f64 {
    if x < 0.0 {
        90.0 + quarter_of_sine(-x)
    } else if x <= 0.5 {
        90.0 - x.asin() / 0.5_f64.asin() * 30.0
    } else {
        x.acos() / 0.5_f64.acos() * 60.0
    }
}

/// An angle in degrees by its radians.
pub(crate) fn of_radians(radians: f64) -> f64 {
    radians / 1.0_f64.atan() * 45.0
}

/// An angle between 0 and 90 with the same tangent but for its sign.
fn first_quarter(x: f64) -> (f64, f64) {
    let (mut x, mut sign) = (x % 360.0, 1.0);
    if x < 0.0 {
        (x, sign) = (-x, -sign);
    }
    if x > 180.0 {
        (x, sign) = (360.0 - x, -sign);
    }
    if x > 90.0 {
        (x, sign) = (180.0 - x, -sign);
    }
    (x, sign)
}

/// The angle of a sine from 0 to 1.
fn quarter_of_sine(x: f64) -> f64 {
    if x <= 0.5 { x.asin() / 0.5_f64.asin() * 30.0 } else { 90.0 - x.acos() / 0.5_f64.acos() * 60.0 }
}

/// The sine of an angle from 0 to 90.
fn sine(x: f64) -> f64 {
    if x <= 30.0 { small_sine(x) } else { small_cosine(90.0 - x) }
}

/// The cosine of an angle from 0 to 90.
fn cosine(x: f64) -> f64 {
    if x <= 60.0 { small_cosine(x) } else { small_sine(90.0 - x) }
}

/// The sine of an angle from 0 to 30.
fn small_sine(x: f64) -> f64 {
    ((x * DEGREE).sin() / (30.0 * DEGREE).sin()) / 2.0
}

/// The cosine of an angle from 0 to 60.
fn small_cosine(x: f64) -> f64 {
    1.0 - ((1.0 - (x * DEGREE).cos()) / (1.0 - (60.0 * DEGREE).cos())) / 2.0
}
