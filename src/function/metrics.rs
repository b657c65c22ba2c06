//! Formats the metrics of an invocation as lines in CloudWatch's embedded metric format (EMF). This module
//! does not use the clock, the environment or stdout: the caller passes the time and prints the lines.
//!
//! CloudWatch Logs extracts the metrics from these lines, so an invocation does not wait for an API call:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
//! The dimensions, the properties and the `ColdStart` metric have the same names as in Powertools for AWS
//! Lambda, which has no Rust version: <https://docs.aws.amazon.com/powertools/python/latest/core/metrics/>.
//!
//! The crates for this format come with a global recorder, or with a framework of derives and sinks. Here,
//! one JSON object with a dozen numbers is enough, and `serde_json` writes it.

use serde_json::{Map, Value, json};

use crate::answer::{Answer, Status};
use crate::function::store::Head;

/// The default of `POWERTOOLS_METRICS_NAMESPACE`.
pub(crate) const DEFAULT_NAMESPACE: &str = "HtaccessGenerator";
/// The default of `POWERTOOLS_SERVICE_NAME`.
pub(crate) const DEFAULT_SERVICE: &str = "htaccess-generator";
/// The maximum number of values for one metric in one line, according to the specification.
const MAX_VALUES: usize = 100;
/// The dimensions of all metrics. They include the function's name, so that two stacks in one account have
/// separate metrics.
const DIMENSIONS: [&str; 2] = ["function_name", "service"];

/// The namespace and the dimensions of the metrics.
#[derive(Clone, Debug)]
pub struct Dimensions {
    /// `POWERTOOLS_METRICS_NAMESPACE`: the namespace in CloudWatch.
    pub namespace: String,
    /// `POWERTOOLS_SERVICE_NAME`: the `service` dimension.
    pub service: String,
    /// `AWS_LAMBDA_FUNCTION_NAME`: the `function_name` dimension.
    pub function_name: String,
}

impl Dimensions {
    /// Reads the environment variables that Lambda and the stack set.
    #[must_use]
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name: &str, default: &str| {
            let value = lookup(name).filter(|value| !value.is_empty());
            value.unwrap_or_else(|| default.to_owned())
        };
        Self {
            namespace: value("POWERTOOLS_METRICS_NAMESPACE", DEFAULT_NAMESPACE),
            service: value("POWERTOOLS_SERVICE_NAME", DEFAULT_SERVICE),
            function_name: value("AWS_LAMBDA_FUNCTION_NAME", DEFAULT_SERVICE),
        }
    }
}

/// The properties of an invocation, which each line contains in addition to the metrics.
#[derive(Clone, Debug)]
pub struct InvocationProperties<'a> {
    /// Lambda's request id, which the other log lines also contain.
    pub request_id: &'a str,
    /// The X-Ray trace id, if the invocation is traced.
    pub xray_trace_id: Option<&'a str>,
    /// True for the first invocation of an execution environment.
    pub cold_start: bool,
    /// The end of the invocation, in milliseconds since 1970.
    pub ended_at_ms: u64,
}

/// The statistics about the publication of one file. The [`Answer`] contains the result.
#[derive(Debug, Default)]
pub struct PublishStats {
    version_id: Option<String>,
    input_bytes: Option<u64>,
    conflict_retries: u64,
}

impl PublishStats {
    /// Records the input that was read. If an input is read again, the last call counts.
    pub fn input(&mut self, head: &Head) {
        self.version_id = Some(head.version_id.clone());
        self.input_bytes = head.bytes;
    }

    /// Counts a conflict with another write, after which publishing starts again.
    pub fn conflict(&mut self) {
        self.conflict_retries += 1;
    }

    /// Returns the stored size of the input that was read, in bytes. `None` if it is not known.
    #[must_use]
    pub fn input_bytes(&self) -> Option<u64> {
        self.input_bytes
    }

    /// Returns whether an event about the version `version_id` was stale, which means that another version
    /// was read.
    #[must_use]
    pub fn is_stale(&self, version_id: Option<&str>) -> bool {
        match (version_id, self.version_id.as_deref()) {
            (Some(told), Some(seen)) => told != seen,
            _ => false,
        }
    }
}

/// The metrics of one invocation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InvocationMetrics {
    published: u64,
    unchanged: u64,
    refused: u64,
    removed: u64,
    failed: u64,
    rows_accepted: u64,
    rows_rejected: u64,
    networks: u64,
    stale_events: u64,
    conflict_retries: u64,
    processing_ms: Vec<f64>,
    input_bytes: Vec<u64>,
}

impl InvocationMetrics {
    /// Adds one file: its answer (`None` if it failed), the statistics about its publication, the version
    /// that the event was about, and the processing time.
    pub fn add(
        &mut self,
        answer: Option<&Answer>,
        stats: &PublishStats,
        version_id: Option<&str>,
        processing_ms: f64,
    ) {
        match answer.map(|answer| answer.status) {
            Some(Status::Written) => self.published += 1,
            Some(Status::Unchanged) => self.unchanged += 1,
            Some(Status::Refused) => self.refused += 1,
            Some(Status::Removed) => self.removed += 1,
            Some(Status::Held | Status::Previewed | Status::Kept | Status::Ignored) => {}
            None => self.failed += 1,
        }
        if let Some(answer) = answer {
            self.rows_accepted += answer.accepted;
            self.rows_rejected += answer.rejected;
            self.networks += (answer.networks.allow + answer.networks.deny) as u64;
        }
        self.stale_events += u64::from(stats.is_stale(version_id));
        self.conflict_retries += stats.conflict_retries;
        self.processing_ms.push(processing_ms);
        self.input_bytes.extend(stats.input_bytes());
    }

    /// Returns the lines to print: one line for each 100 files, and at least one. The first line contains all
    /// counts. Each line contains the values of up to 100 files.
    #[must_use]
    pub fn lines(&self, dimensions: &Dimensions, properties: &InvocationProperties) -> Vec<String> {
        let chunks = self.processing_ms.len().max(self.input_bytes.len());
        let chunks = chunks.div_ceil(MAX_VALUES).max(1);
        (0..chunks)
            .map(|index| {
                let mut metrics = if index == 0 {
                    self.counts(properties)
                } else {
                    Vec::new()
                };
                let times = chunk(&self.processing_ms, index);
                metrics.push(("ProcessingMs", "Milliseconds", times));
                let sizes = chunk(&self.input_bytes, index);
                metrics.push(("InputBytes", "Bytes", sizes));
                line(metrics, dimensions, properties)
            })
            .collect()
    }

    /// Returns the counts. Zeros are included, so that graphs have no gaps and alarms have data.
    fn counts(
        &self,
        properties: &InvocationProperties,
    ) -> Vec<(&'static str, &'static str, Value)> {
        let counts = [
            ("FilesPublished", self.published),
            ("FilesUnchanged", self.unchanged),
            ("FilesRefused", self.refused),
            ("FilesRemoved", self.removed),
            ("FilesFailed", self.failed),
            ("RowsAccepted", self.rows_accepted),
            ("RowsRejected", self.rows_rejected),
            ("Networks", self.networks),
            ("StaleEvents", self.stale_events),
            ("ConflictRetries", self.conflict_retries),
        ];
        let cold_start = properties.cold_start.then_some(("ColdStart", 1));
        counts
            .into_iter()
            .chain(cold_start)
            .map(|(name, count)| (name, "Count", count.into()))
            .collect()
    }
}

fn chunk<T: Clone + Into<Value>>(values: &[T], index: usize) -> Value {
    let values = values.iter().skip(index * MAX_VALUES).take(MAX_VALUES);
    values.cloned().collect()
}

/// Formats one line. A metric without values is left out, because empty lists are not allowed.
fn line(
    metrics: Vec<(&str, &str, Value)>,
    dimensions: &Dimensions,
    properties: &InvocationProperties,
) -> String {
    let mut root = Map::new();
    let mut definitions = Vec::new();
    for (name, unit, value) in metrics {
        if value.as_array().is_none_or(|values| !values.is_empty()) {
            definitions.push(json!({"Name": name, "Unit": unit}));
            root.insert(name.to_owned(), value);
        }
    }
    let directive = json!({
        "Namespace": dimensions.namespace,
        "Dimensions": [DIMENSIONS],
        "Metrics": definitions,
    });
    let metadata = json!({
        "Timestamp": properties.ended_at_ms,
        "CloudWatchMetrics": [directive],
    });
    root.insert("_aws".to_owned(), metadata);
    for (name, value) in [
        ("function_name", dimensions.function_name.as_str().into()),
        ("service", dimensions.service.as_str().into()),
        ("function_request_id", properties.request_id.into()),
        ("cold_start", properties.cold_start.into()),
        // Lambda filters lines by level, and treats a line without a level as INFO.
        ("level", "INFO".into()),
    ] {
        root.insert(name.to_owned(), value);
    }
    if let Some(id) = properties.xray_trace_id {
        root.insert("xray_trace_id".to_owned(), id.into());
    }
    Value::Object(root).to_string()
}

#[cfg(test)]
mod tests;
