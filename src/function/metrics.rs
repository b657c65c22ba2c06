//! What an invocation did, as one line of CloudWatch's embedded metric format: values in, JSON text
//! out. No clock, no environment, no output; the edge hands in the time and prints the line.
//!
//! CloudWatch Logs makes metrics of such lines by itself, without a call that an invocation would
//! have to wait for:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
//! Dimensions, properties and the `ColdStart` metric are named as Powertools for AWS Lambda names
//! them, which has no Rust version: <https://docs.aws.amazon.com/powertools/python/latest/core/metrics/>.
//!
//! The crates for this format bring a recorder that lives in a global, or a framework of derives
//! and sinks; what is needed here is one object with a dozen numbers, which `serde_json` writes.

use std::cell::{Cell, RefCell};

use serde_json::{Map, Value, json};

use crate::answer::{Answer, Status};
use crate::function::store::Head;

/// The default of `POWERTOOLS_METRICS_NAMESPACE`.
pub(crate) const DEFAULT_NAMESPACE: &str = "HtaccessGenerator";
/// The default of `POWERTOOLS_SERVICE_NAME`.
pub(crate) const DEFAULT_SERVICE: &str = "htaccess-generator";
/// The most values of one metric in one line, by the specification.
const MAX_VALUES: usize = 100;
/// What all metrics are told apart by: the function, so that two stacks of an account are two.
const DIMENSIONS: [&str; 2] = ["function_name", "service"];

/// Which function the metrics are of.
#[derive(Clone, Debug)]
pub struct Dimensions {
    /// `POWERTOOLS_METRICS_NAMESPACE`: what CloudWatch files the metrics under.
    pub namespace: String,
    /// `POWERTOOLS_SERVICE_NAME`: a dimension.
    pub service: String,
    /// `AWS_LAMBDA_FUNCTION_NAME`: a dimension.
    pub function_name: String,
}

impl Dimensions {
    /// Reads the environment that Lambda and the template set.
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

/// What a line says of its invocation beside the metrics.
#[derive(Clone, Debug)]
pub struct InvocationProperties<'a> {
    /// Lambda's id of it, which the other log lines have too.
    pub request_id: &'a str,
    /// X-Ray's, where it is traced.
    pub xray_trace_id: Option<&'a str>,
    /// Whether it is the first of its environment.
    pub cold_start: bool,
    /// When it ended, in milliseconds since 1970.
    pub ended_at_ms: u64,
}

/// What publishing one file saw on its way; [`Answer`] tells what came of it.
#[derive(Debug, Default)]
pub struct PublishStats {
    version_id: RefCell<Option<String>>,
    input_bytes: Cell<Option<u64>>,
    conflict_retries: Cell<u64>,
}

impl PublishStats {
    /// The input that was read; the last one counts.
    pub fn input(&self, head: &Head) {
        *self.version_id.borrow_mut() = Some(head.version_id.clone());
        self.input_bytes.set(head.bytes);
    }

    /// A write met another one, and all starts again.
    pub fn conflict(&self) {
        self.conflict_retries.set(self.conflict_retries.get() + 1);
    }

    /// The size of the input that was read, in bytes as stored.
    #[must_use]
    pub fn input_bytes(&self) -> Option<u64> {
        self.input_bytes.get()
    }

    /// Whether an event that told of this version came after a newer one was there.
    #[must_use]
    pub fn is_stale(&self, version_id: Option<&str>) -> bool {
        match (version_id, self.version_id.borrow().as_deref()) {
            (Some(told), Some(seen)) => told != seen,
            _ => false,
        }
    }
}

/// What an invocation did with its files.
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
    /// Adds one file: its answer (`None`: it failed), what was seen, and how long it took.
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
            Some(Status::Kept | Status::Ignored) => {}
            None => self.failed += 1,
        }
        if let Some(answer) = answer {
            self.rows_accepted += answer.accepted;
            self.rows_rejected += answer.rejected;
            self.networks += (answer.networks.allow + answer.networks.deny) as u64;
        }
        self.stale_events += u64::from(stats.is_stale(version_id));
        self.conflict_retries += stats.conflict_retries.get();
        self.processing_ms.push(processing_ms);
        self.input_bytes.extend(stats.input_bytes());
    }

    /// The lines to print: one, and more where an event had over 100 files. The first has all
    /// counts; each has the values of up to 100 files.
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

    /// Zeros too, so that a graph has no holes and an alarm has data.
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

/// A metric without a value is left out, for an empty list is not one.
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
        // Lambda filters by it, and takes a line without one for INFO all the same.
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
