//! Options of a regular expression: those of the argument `flags`, and those in front of the pattern.

/// How a pattern is read and what its parts match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Options {
    /// Upper and lower case are alike.
    pub(crate) fold: bool,
    /// `.` and `[^...]` do not match a newline.
    pub(crate) newline_stops: bool,
    /// `^` and `$` match at newlines.
    pub(crate) newline_anchors: bool,
    /// White space and comments in the pattern are none of it.
    pub(crate) expanded: bool,
    /// The pattern is a plain text.
    pub(crate) literal: bool,
}

/// The flags of a function: options of the pattern, and whether all matches are meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Flags {
    /// How the pattern is read.
    pub(crate) options: Options,
    /// All matches, not the first: the flag `g`.
    pub(crate) global: bool,
}

/// What is wrong with flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WrongFlag {
    /// A letter that is no flag.
    Unknown(char),
    /// A flag that PostgreSQL has and this server has not.
    Unsupported(char),
}

impl Flags {
    /// Reads the letters of the argument.
    ///
    /// # Errors
    /// The first letter that is no flag here.
    pub(crate) fn parse(letters: &str) -> Result<Self, WrongFlag> {
        let mut flags = Self::default();
        for letter in letters.chars() {
            match letter {
                'g' => flags.global = true,
                letter => flags.options.set(letter)?,
            }
        }
        Ok(flags)
    }
}

impl Options {
    /// Sets the option of a letter.
    pub(super) fn set(&mut self, letter: char) -> Result<(), WrongFlag> {
        match letter {
            'c' => self.fold = false,
            'i' => self.fold = true,
            'm' | 'n' => (self.newline_stops, self.newline_anchors) = (true, true),
            'p' => (self.newline_stops, self.newline_anchors) = (true, false),
            'q' => self.literal = true,
            's' => (self.newline_stops, self.newline_anchors) = (false, false),
            't' => self.expanded = false,
            'w' => (self.newline_stops, self.newline_anchors) = (false, true),
            'x' => self.expanded = true,
            // Basic and extended expressions of POSIX.
            'b' | 'e' => return Err(WrongFlag::Unsupported(letter)),
            other => return Err(WrongFlag::Unknown(other)),
        }
        Ok(())
    }
}
