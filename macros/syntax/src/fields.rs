//! Fields with commas between them, the form of `--mount`, `--network` and `--gpus`: one record of
//! CSV as Go's `encoding/csv` reads it, each field a key and perhaps a value.
//!
//! Which keys there are is not known here.

use std::borrow::Cow;

use crate::error::Problem;

/// A field taken apart at its first `=`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// In lower case.
    pub(crate) key: String,
    pub(crate) value: Option<String>,
}

impl Field {
    /// The value, which this key cannot be without.
    pub(crate) fn value(self) -> Result<String, Problem> {
        let Self { key, value } = self;
        value.filter(|value| !value.is_empty()).ok_or_else(|| {
            Problem::new(format!("`{key}` has no value")).hint(format!("write it as `{key}=..`"))
        })
    }

    /// The value of a switch, which is on where nothing is said.
    pub(crate) fn switch(self) -> Result<bool, Problem> {
        let Self { key, value } = self;
        let Some(value) = value else {
            return Ok(true);
        };
        parse_bool(&value).ok_or_else(|| {
            Problem::new(format!("`{key}` is `{value}`, which is neither `true` nor `false`"))
                .hint(format!("write `{key}` or `{key}=false`"))
        })
    }

    /// The value as a name and a value of its own, the form of labels and driver options. What has
    /// no `=` has an empty value.
    pub(crate) fn pair(self) -> Result<(String, String), Problem> {
        let key = self.key.clone();
        let text = self.value()?;
        let (name, value) = text.split_once('=').unwrap_or((&text, ""));
        if name.is_empty() {
            return Err(Problem::new(format!("`{key}` has no name before its `=`"))
                .hint(format!("write it as `{key}=name=value`")));
        }
        Ok((name.to_owned(), value.to_owned()))
    }
}

/// Takes a record apart into its fields.
pub(crate) fn fields(text: &str) -> Result<Vec<Field>, Problem> {
    split_fields(text)?
        .into_iter()
        .map(|field| match field.split_once('=') {
            Some((key, value)) => {
                Ok(Field { key: key.to_ascii_lowercase(), value: Some(value.to_owned()) })
            }
            None if field.is_empty() => Err(Problem::new("it has an empty field")
                .hint("write fields with one `,` between two of them, and none at the end")),
            None => Ok(Field { key: field.to_ascii_lowercase(), value: None }),
        })
        .collect()
}

/// Splits a record at the commas that are not within quotes.
pub(crate) fn split_fields(text: &str) -> Result<Vec<String>, Problem> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => take_quoted(quoted)?,
            None => take_plain(rest)?,
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(fields),
            None => {
                return Err(Problem::new("a `\"` is closed before the field ends").hint(
                    "put quotes around the whole field, such as `\"src=/a,b\"`, and write `\"\"` \
                     for a quote in it",
                ))
            }
        }
    }
}

/// Takes a field off the front of `text`, which stands behind the opening quote.
fn take_quoted(text: &str) -> Result<(String, &str), Problem> {
    let mut field = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('"') {
        field.push_str(before);
        match after.strip_prefix('"') {
            None => return Ok((field, after)),
            Some(next) => {
                field.push('"');
                rest = next;
            }
        }
    }
    Err(Problem::new("a `\"` is not closed").hint("close it at the end of the field"))
}

fn take_plain(text: &str) -> Result<(String, &str), Problem> {
    let (field, after) = text.split_at(text.find(',').unwrap_or(text.len()));
    if field.contains('"') {
        return Err(Problem::new(format!("`{field}` has a `\"` in it")).hint(
            "put quotes around the whole field, such as `\"src=/a,b\"`, and write `\"\"` for a \
             quote in it",
        ));
    }
    if field.contains(['\n', '\r']) {
        return Err(Problem::new("it has a line end in it").hint("write it on one line"));
    }
    Ok((field.to_owned(), after))
}

/// The field as it is written in a record.
pub(crate) fn quote_field(field: &str) -> Cow<'_, str> {
    if field.contains([',', '"', '\n', '\r']) {
        Cow::Owned(format!("\"{}\"", field.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(field)
    }
}

/// A pair as [`Field::pair`] reads it.
pub(crate) fn spell_pair(key: &str, (name, value): &(String, String)) -> String {
    match value.is_empty() {
        true => format!("{key}={name}"),
        false => format!("{key}={name}={value}"),
    }
}

/// Adds a pair to others. Of two with the same name the later one counts, as in Docker's maps.
pub(crate) fn add_pair(pairs: &mut Vec<(String, String)>, (name, value): (String, String)) {
    match pairs.iter_mut().find(|(known, _)| *known == name) {
        Some((_, known)) => *known = value,
        None => pairs.push((name, value)),
    }
}

/// Refuses a key that is there already. `canonical` is the one name of a key that has several.
pub(crate) fn refuse_repeated(
    seen: &mut Vec<&'static str>,
    canonical: &'static str,
    written: &str,
) -> Result<(), Problem> {
    if seen.contains(&canonical) {
        return Err(Problem::new(format!("`{written}` is a second `{canonical}`"))
            .hint("leave one of the two away"));
    }
    seen.push(canonical);
    Ok(())
}

/// A truth value as Go's `strconv.ParseBool` reads it.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, fields: &[&str]) {
        assert_eq!(split_fields(text).unwrap(), fields, "{text}");
        let quoted: Vec<_> = fields.iter().map(|field| quote_field(field)).collect();
        assert_eq!(split_fields(&quoted.join(",")).unwrap(), fields, "{text}");
    }

    fn check_error(text: &str, what: &str) {
        let displayed = split_fields(text).unwrap_err().within(text, "x").message().to_owned();
        assert_eq!(displayed, format!("`{text}` is not x: {what}"));
    }

    #[test]
    fn fields_are_split_at_commas() {
        check("", &[""]);
        check("a", &["a"]);
        check("a=b,,c d,", &["a=b", "", "c d", ""]);
    }

    #[test]
    fn a_quoted_field_may_hold_anything() {
        check("\"a,b\",c", &["a,b", "c"]);
        check("\"a\"\"b\"", &["a\"b"]);
        check("\"\",\"two\nlines\"", &["", "two\nlines"]);
    }

    #[test]
    fn quotes_go_around_the_whole_field() {
        check_error("a=\"b,c\"", "`a=\"b` has a `\"` in it");
        check_error("\"a\"b", "a `\"` is closed before the field ends");
        check_error("\"a", "a `\"` is not closed");
    }
}
