//! `--gpus`: devices that a vendor's driver finds.

use std::fmt;

use crate::{
    error::{Problem, SyntaxError},
    fields::{add_pair, fields, quote_field, refuse_repeated, split_fields, Field},
    nearest::nearest,
};

const KEYS: &[&str] = &["count", "device", "driver", "capabilities", "options"];
const GPU: &str = "gpu";
const EXAMPLE: &str = "write `all`, a number, or fields such as `device=0`";

/// A request for GPUs, as `docker run --gpus` takes it.
///
/// Displayed as the shortest word that gives it: `all`, `2`, `"device=0,1"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GpuRequest {
    count: i64,
    driver: Option<String>,
    device_ids: Vec<String>,
    capabilities: Vec<String>,
    options: Vec<(String, String)>,
}

impl GpuRequest {
    /// How many; -1 for all of them. 0 where devices are named instead.
    pub const fn count(&self) -> i64 {
        self.count
    }

    /// The driver; without one the engine chooses by the capabilities.
    pub fn driver(&self) -> Option<&str> {
        self.driver.as_deref()
    }

    /// Numbers or UUIDs of single devices.
    pub fn device_ids(&self) -> &[String] {
        &self.device_ids
    }

    /// What the driver has to be capable of, all of it. `gpu` is always among it.
    pub fn capabilities(&self) -> &[String] {
        &self.capabilities
    }

    /// Options of the driver, name and value.
    pub fn options(&self) -> &[(String, String)] {
        &self.options
    }

    /// What is requested where nothing is said.
    fn count_without_saying(&self) -> i64 {
        i64::from(self.device_ids.is_empty())
    }

    fn spelled_count(&self) -> String {
        match self.count {
            -1 => "all".to_owned(),
            count => count.to_string(),
        }
    }
}

impl fmt::Display for GpuRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = Vec::new();
        // First, since behind a list a lone number would be taken for one more item of that.
        if self.count != self.count_without_saying() {
            fields.push(self.spelled_count());
        }
        if !self.device_ids.is_empty() {
            fields.push(format!("device={}", self.device_ids.join(",")));
        }
        fields.extend(self.driver().map(|driver| format!("driver={driver}")));
        let (last, others) = self.capabilities.split_last().unzip();
        let written = match last.map(String::as_str) {
            Some(GPU) => others.unwrap_or_default(),
            _ => &self.capabilities,
        };
        if !written.is_empty() {
            fields.push(format!("capabilities={}", written.join(",")));
        }
        if !self.options.is_empty() {
            let pairs = self.options.iter().map(|(name, value)| match value.is_empty() {
                true => name.clone(),
                false => format!("{name}={value}"),
            });
            let quoted: Vec<_> = pairs.map(|pair| quote_field(&pair).into_owned()).collect();
            fields.push(format!("options={}", quoted.join(",")));
        }
        if fields.is_empty() {
            fields.push(self.spelled_count());
        }
        let quoted: Vec<_> = fields.iter().map(|field| quote_field(field)).collect();
        f.write_str(&quoted.join(","))
    }
}

/// Reads a word of `docker run --gpus`: `all`, a number, or fields with commas between them.
///
/// | key            | value                                                       |
/// |----------------|-------------------------------------------------------------|
/// | `count`        | a number or `all`; may stand without its key                |
/// | `device`       | numbers or UUIDs, with commas between them                  |
/// | `driver`       | the name of a driver                                        |
/// | `capabilities` | with commas between them; `gpu` is added                    |
/// | `options`      | `name=value` for the driver, with commas between them       |
///
/// A field that holds a comma is put in double quotes as a whole, as in CSV: `"device=0,1"`. In a
/// shell the whole word needs single quotes then.
///
/// Stricter than Docker: a count may be there once in either form, and cannot be negative but for
/// -1, which is `all`; nor may a number stand beside `device` without its key, since that is a list
/// whose quotes are missing.
///
/// # Errors
///
/// When the text is not so written, and when a key is unknown or there twice.
///
/// # Examples
///
/// ```
/// use longshore_syntax::parse_gpus;
///
/// assert_eq!(parse_gpus("all")?.count(), -1);
///
/// let gpus = parse_gpus("\"device=0,1\",capabilities=utility")?;
/// assert_eq!(gpus.device_ids(), ["0", "1"]);
/// assert_eq!(gpus.capabilities(), ["utility", "gpu"]);
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_gpus(text: &str) -> Result<GpuRequest, SyntaxError> {
    gpus(text).map_err(|problem| problem.within(text, "a request for GPUs"))
}

fn gpus(text: &str) -> Result<GpuRequest, Problem> {
    if text.is_empty() {
        return Err(Problem::new("it is empty").hint(EXAMPLE));
    }
    let mut request = GpuRequest {
        count: 0,
        driver: None,
        device_ids: Vec::new(),
        capabilities: Vec::new(),
        options: Vec::new(),
    };
    let mut seen = Vec::new();
    // The key before a field without one: a list whose quotes are missing.
    let mut before: Option<&str> = None;
    for mut field in fields(text)? {
        if let (None, Some(key @ ("device" | "capabilities" | "options"))) = (&field.value, before)
        {
            return Err(Problem::new(format!("`{}` stands alone behind `{key}`", field.key)).hint(
                format!("put quotes around a field with commas: `\"{key}=..,{}\"`", field.key),
            ));
        }
        if field.value.is_none() && !KEYS.contains(&&*field.key) {
            field = Field { value: Some(field.key), key: "count".to_owned() };
        }
        let Some(key) = KEYS.iter().find(|key| **key == field.key) else {
            return Err(unknown_key(&field.key));
        };
        refuse_repeated(&mut seen, key, key)?;
        before = Some(key);
        match *key {
            "count" => request.count = count(&field.value()?)?,
            "driver" => request.driver = Some(field.value()?),
            "device" => request.device_ids = list(field)?,
            "capabilities" => request.capabilities = list(field)?,
            _ => request.options = options(field)?,
        }
    }
    if !seen.contains(&"count") {
        request.count = request.count_without_saying();
    }
    if !request.capabilities.iter().any(|capability| capability == GPU) {
        request.capabilities.push(GPU.to_owned());
    }
    Ok(request)
}

fn count(text: &str) -> Result<i64, Problem> {
    match text.parse() {
        _ if text == "all" => Ok(-1),
        Ok(count) if count >= -1 => Ok(count),
        _ => Err(Problem::new(format!("`{text}` is not a number of GPUs")).hint(EXAMPLE)),
    }
}

fn list(field: Field) -> Result<Vec<String>, Problem> {
    let key = field.key.clone();
    let text = field.value()?;
    if text.split(',').any(|item| item.trim().is_empty()) {
        return Err(Problem::new(format!("`{key}` has an empty item"))
            .hint("write one `,` between two items, and none at the end"));
    }
    Ok(text.split(',').map(|item| item.trim().to_owned()).collect())
}

/// A record within the field: a list of pairs.
fn options(field: Field) -> Result<Vec<(String, String)>, Problem> {
    let mut options = Vec::new();
    for option in split_fields(&field.value()?)? {
        let (name, value) = option.split_once('=').unwrap_or((&option, ""));
        if name.is_empty() {
            return Err(Problem::new("an option of the driver has no name")
                .hint("write it as `options=name=value`"));
        }
        add_pair(&mut options, (name.to_owned(), value.to_owned()));
    }
    Ok(options)
}

fn unknown_key(key: &str) -> Problem {
    let problem = Problem::new(format!("`{key}` is not a key of a request for GPUs"));
    match nearest(key, KEYS.iter().copied()) {
        Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
        None => {
            problem.hint("the keys are `count`, `device`, `driver`, `capabilities` and `options`")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, count: i64, devices: &[&str], capabilities: &[&str], displayed: &str) {
        let request = parse_gpus(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(request.count(), count, "{text}");
        assert_eq!(request.device_ids(), devices, "{text}");
        assert_eq!(request.capabilities(), capabilities, "{text}");
        assert_eq!(request.to_string(), displayed);
        assert_eq!(parse_gpus(displayed), Ok(request));
    }

    fn check_error(text: &str, problem: &str, hint: &str) {
        let error = parse_gpus(text).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`{text}` is not a request for GPUs: {problem}\nhint: {hint}")
        );
    }

    #[test]
    fn a_count_may_stand_without_its_key() {
        check("all", -1, &[], &["gpu"], "all");
        check("count=all", -1, &[], &["gpu"], "all");
        check("-1", -1, &[], &["gpu"], "all");
        check("2", 2, &[], &["gpu"], "2");
        check("count=+3", 3, &[], &["gpu"], "3");
        check("driver=nvidia", 1, &[], &["gpu"], "driver=nvidia");
        check("1,driver=nvidia", 1, &[], &["gpu"], "driver=nvidia");
        check("all,driver=nvidia", -1, &[], &["gpu"], "all,driver=nvidia");
    }

    #[test]
    fn devices_are_listed_in_quotes() {
        check("device=0", 0, &["0"], &["gpu"], "device=0");
        check("\"device=0,1\"", 0, &["0", "1"], &["gpu"], "\"device=0,1\"");
        check(
            "\"device=0,1\",capabilities=utility,driver=nvidia,options=k=v,count=2",
            2,
            &["0", "1"],
            &["utility", "gpu"],
            "2,\"device=0,1\",driver=nvidia,capabilities=utility,options=k=v",
        );
    }

    #[test]
    fn gpu_is_always_a_capability() {
        check("\"capabilities=a,gpu\"", 1, &[], &["a", "gpu"], "capabilities=a");
        check("\"capabilities=gpu,a\"", 1, &[], &["gpu", "a"], "\"capabilities=gpu,a\"");
        check("capabilities=gpu", 1, &[], &["gpu"], "1");
    }

    #[test]
    fn options_are_a_record_of_their_own() {
        let request = parse_gpus("\"options=\"\"a=b,c\"\",d=e,f\"").unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(request.options(), [pair("a", "b,c"), pair("d", "e"), pair("f", "")]);
        assert_eq!(request.to_string(), "\"options=\"\"a=b,c\"\",d=e,f\"");
    }

    #[test]
    fn missing_quotes_are_asked_for() {
        check_error(
            "device=0,1",
            "`1` stands alone behind `device`",
            "put quotes around a field with commas: `\"device=..,1\"`",
        );
        check_error(
            "capabilities=gpu,utility",
            "`utility` stands alone behind `capabilities`",
            "put quotes around a field with commas: `\"capabilities=..,utility\"`",
        );
    }

    #[test]
    fn what_is_no_request_is_refused() {
        check_error("", "it is empty", EXAMPLE);
        check_error("lots", "`lots` is not a number of GPUs", EXAMPLE);
        check_error("-2", "`-2` is not a number of GPUs", EXAMPLE);
        check_error("all,2", "`count` is a second `count`", "leave one of the two away");
        check_error(
            "devices=0",
            "`devices` is not a key of a request for GPUs",
            "did you mean `device`?",
        );
        check_error("device=", "`device` has no value", "write it as `device=..`");
        check_error("driver", "`driver` has no value", "write it as `driver=..`");
        check_error(
            "\"device=0,\"",
            "`device` has an empty item",
            "write one `,` between two items, and none at the end",
        );
    }
}
