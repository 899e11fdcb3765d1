//! The calls of librdkafka's admin API that its Rust client lacks, or whose errors it drops: settings, read and changed one
//! by one, and ACLs.
//!
//! Each call hands librdkafka a request and waits for its answer on a queue of its own. What is handed over is copied
//! there before the call returns, and what an answer holds is copied here before the answer is destroyed, so that no
//! pointer leaves this file.
#![allow(
    unsafe_code,
    reason = "librdkafka's C API; nothing else of Weir calls it by hand"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr::NonNull;
use std::time::Duration;

use rdkafka::bindings::*;
use rdkafka::client::{Client, DefaultClientContext};
use rdkafka::error::RDKafkaErrorCode;

use super::acl::{Acl, Operation, Pattern, Permission, Resource};

/// How much longer than the request itself its answer is waited for: librdkafka answers a request whose time is up.
const MARGIN: Duration = Duration::from_secs(5);

/// What librdkafka or the broker said against a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code:?})")]
pub(super) struct Refusal {
    /// The kind of it.
    pub(super) code: RDKafkaErrorCode,
    /// In words.
    pub(super) message: String,
}

impl Refusal {
    fn invalid(message: impl Into<String>) -> Self {
        Self {
            code: RDKafkaErrorCode::InvalidArgument,
            message: message.into(),
        }
    }
}

/// Sets these settings of a topic, and leaves its others alone. With `only_validate` the broker says what it would.
pub(super) fn set_config(
    client: &Client<DefaultClientContext>,
    topic: &str,
    settings: &[(&str, &str)],
    only_validate: bool,
    patience: Duration,
) -> Result<(), Refusal> {
    let resource = resource(rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC, topic)?;
    for (key, value) in settings {
        let (key, value) = (c_string(key)?, c_string(value)?);
        // SAFETY: the resource is alive, and both strings outlive the call, which copies them.
        let error = unsafe {
            rd_kafka_ConfigResource_add_incremental_config(
                resource.as_ptr(),
                key.as_ptr(),
                rd_kafka_AlterConfigOpType_t::RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET,
                value.as_ptr(),
            )
        };
        if let Some(error) = Owned::new(error, rd_kafka_error_destroy) {
            return Err(refusal(error.as_ptr()));
        }
    }
    let mut request = Request::new(
        client,
        rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_INCREMENTALALTERCONFIGS,
        patience,
    )?;
    if only_validate {
        request.only_validate()?;
    }
    let mut resources = [resource.as_ptr()];
    let answer = request.send(|rk, options, queue| {
        // SAFETY: client, options and queue are alive; the array holds one live resource, which is copied.
        unsafe {
            rd_kafka_IncrementalAlterConfigs(
                rk,
                resources.as_mut_ptr(),
                resources.len(),
                options,
                queue,
            );
        }
    })?;
    // SAFETY: the answer is alive; another kind of answer makes this null.
    let result = unsafe { rd_kafka_event_IncrementalAlterConfigs_result(answer.as_ptr()) };
    let mut count = 0;
    // SAFETY: as long as the answer lives so do the result, the array of `count` resources and what they hold.
    let resources = unsafe {
        let result = result.as_ref().ok_or_else(unexpected)?;
        array(
            rd_kafka_IncrementalAlterConfigs_result_resources(result, &mut count),
            count,
        )
    };
    resources.into_iter().try_for_each(checked)
}

/// The settings of a topic, those that it has by default included; `None`: not told.
pub(super) fn config_of_topic(
    client: &Client<DefaultClientContext>,
    topic: &str,
    patience: Duration,
) -> Result<BTreeMap<String, Option<String>>, Refusal> {
    config_of(
        client,
        &resource(rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC, topic)?,
        patience,
    )
}

/// The settings of a broker, by its number.
pub(super) fn config_of_broker(
    client: &Client<DefaultClientContext>,
    broker: i32,
    patience: Duration,
) -> Result<BTreeMap<String, Option<String>>, Refusal> {
    config_of(
        client,
        &resource(
            rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_BROKER,
            &broker.to_string(),
        )?,
        patience,
    )
}

/// The Rust client has this call, and drops what a broker says against it.
fn config_of(
    client: &Client<DefaultClientContext>,
    resource: &Owned<rd_kafka_ConfigResource_t>,
    patience: Duration,
) -> Result<BTreeMap<String, Option<String>>, Refusal> {
    let request = Request::new(
        client,
        rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS,
        patience,
    )?;
    let mut resources = [resource.as_ptr()];
    let answer = request.send(|rk, options, queue| {
        // SAFETY: client, options and queue are alive; the array holds one live resource, which is copied.
        unsafe {
            rd_kafka_DescribeConfigs(rk, resources.as_mut_ptr(), resources.len(), options, queue);
        }
    })?;
    // SAFETY: the answer is alive; another kind of answer makes this null.
    let result = unsafe { rd_kafka_event_DescribeConfigs_result(answer.as_ptr()) };
    let mut count = 0;
    // SAFETY: as long as the answer lives so do the result, the array of `count` resources and what they hold.
    let resources = unsafe {
        let result = result.as_ref().ok_or_else(unexpected)?;
        array(
            rd_kafka_DescribeConfigs_result_resources(result, &mut count),
            count,
        )
    };
    let mut config = BTreeMap::new();
    for resource in resources {
        checked(resource)?;
        // SAFETY: a live resource of the answer, see above, and with it the array of `count` entries and their strings,
        // which are copied; null is a value that is not told.
        unsafe {
            let entries = array(rd_kafka_ConfigResource_configs(resource, &mut count), count);
            for entry in entries {
                let value = rd_kafka_ConfigEntry_value(entry);
                let value = (!value.is_null()).then(|| text(value));
                config.insert(text(rd_kafka_ConfigEntry_name(entry)), value);
            }
        }
    }
    Ok(config)
}

/// The ACLs of one principal, by that very name.
///
/// librdkafka (2.12) drops the broker's error here: without an authorizer, or without the right to look, the answer is that there
/// are none. See [`cluster_operations`].
pub(super) fn acls_of(
    client: &Client<DefaultClientContext>,
    principal: &str,
    patience: Duration,
) -> Result<BTreeSet<Acl>, Refusal> {
    let principal = c_string(principal)?;
    let mut why = Why::default();
    // SAFETY: the string and the buffer outlive the call, which copies the one and writes at most its length into the
    // other; null is "any" for name and host.
    let filter = unsafe {
        rd_kafka_AclBindingFilter_new(
            rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_ANY,
            std::ptr::null(),
            rd_kafka_ResourcePatternType_t::RD_KAFKA_RESOURCE_PATTERN_ANY,
            principal.as_ptr(),
            std::ptr::null(),
            rd_kafka_AclOperation_t::RD_KAFKA_ACL_OPERATION_ANY,
            rd_kafka_AclPermissionType_t::RD_KAFKA_ACL_PERMISSION_TYPE_ANY,
            why.as_mut_ptr(),
            why.len(),
        )
    };
    let filter = Owned::new(filter, rd_kafka_AclBinding_destroy)
        .ok_or_else(|| Refusal::invalid(why.text()))?;
    let request = Request::new(
        client,
        rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBEACLS,
        patience,
    )?;
    let answer = request.send(|rk, options, queue| {
        // SAFETY: client, filter, options and queue are alive; the filter is copied.
        unsafe { rd_kafka_DescribeAcls(rk, filter.as_ptr(), options, queue) };
    })?;
    // SAFETY: the answer is alive; another kind of answer makes this null.
    let result = unsafe { rd_kafka_event_DescribeAcls_result(answer.as_ptr()) };
    let mut count = 0;
    // SAFETY: as long as the answer lives so do the result, the array of `count` bindings and what they hold.
    let bindings = unsafe {
        let result = result.as_ref().ok_or_else(unexpected)?;
        array(rd_kafka_DescribeAcls_result_acls(result, &mut count), count)
    };
    Ok(bindings.into_iter().map(acl).collect())
}

/// Makes ACLs; one that is there already stays as it is.
pub(super) fn create_acls(
    client: &Client<DefaultClientContext>,
    acls: &[Acl],
    patience: Duration,
) -> Result<(), Refusal> {
    let bindings: Vec<_> = acls.iter().map(binding).collect::<Result<_, _>>()?;
    let mut pointers: Vec<_> = bindings.iter().map(Owned::as_ptr).collect();
    let request = Request::new(
        client,
        rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_CREATEACLS,
        patience,
    )?;
    let answer = request.send(|rk, options, queue| {
        // SAFETY: client, options and queue are alive; the array holds live bindings, which are copied.
        unsafe { rd_kafka_CreateAcls(rk, pointers.as_mut_ptr(), pointers.len(), options, queue) };
    })?;
    // SAFETY: the answer is alive; another kind of answer makes this null.
    let result = unsafe { rd_kafka_event_CreateAcls_result(answer.as_ptr()) };
    let mut count = 0;
    // SAFETY: as long as the answer lives so do the result, the array of `count` results and what they hold.
    let results = unsafe {
        let result = result.as_ref().ok_or_else(unexpected)?;
        array(rd_kafka_CreateAcls_result_acls(result, &mut count), count)
    };
    // One result for each ACL, in their order.
    for (acl, result) in acls.iter().zip(results) {
        // SAFETY: a live result of the answer, see above; its error is null when it went well.
        let error = unsafe { rd_kafka_acl_result_error(result) };
        if !error.is_null() {
            let Refusal { code, message } = refusal(error);
            return Err(Refusal {
                code,
                message: format!("{acl}: {message}"),
            });
        }
    }
    Ok(())
}

/// What this client may do with the cluster itself. Without an authorizer: everything.
pub(super) fn cluster_operations(
    client: &Client<DefaultClientContext>,
    patience: Duration,
) -> Result<BTreeSet<Operation>, Refusal> {
    let request = Request::new(
        client,
        rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECLUSTER,
        patience,
    )?;
    request.include_authorized_operations()?;
    let answer = request.send(|rk, options, queue| {
        // SAFETY: client, options and queue are alive.
        unsafe { rd_kafka_DescribeCluster(rk, options, queue) };
    })?;
    // SAFETY: the answer is alive; another kind of answer makes this null.
    let result = unsafe { rd_kafka_event_DescribeCluster_result(answer.as_ptr()) };
    let mut count = 0;
    let mut operations = BTreeSet::new();
    // SAFETY: as long as the answer lives so do the result and the array of `count` operations, which is null when none
    // are told; librdkafka makes each of them one that it knows.
    unsafe {
        let result = result.as_ref().ok_or_else(unexpected)?;
        let first = rd_kafka_DescribeCluster_result_authorized_operations(result, &mut count);
        if !first.is_null() {
            operations.extend((0..count).map(|index| operation_from(*first.add(index))));
        }
    }
    Ok(operations)
}

/// A thing of librdkafka's that is destroyed when it is dropped.
struct Owned<T> {
    pointer: NonNull<T>,
    destroy: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// Takes over what librdkafka has made, `destroy` being its own way to end it; none for null.
    fn new(pointer: *mut T, destroy: unsafe extern "C" fn(*mut T)) -> Option<Self> {
        NonNull::new(pointer).map(|pointer| Self { pointer, destroy })
    }

    const fn as_ptr(&self) -> *mut T {
        self.pointer.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: made by librdkafka, owned by this alone, and destroyed once, here.
        unsafe { (self.destroy)(self.as_ptr()) }
    }
}

/// A request to be sent, and where its answer comes. Both are gone before the client is, which they borrow.
struct Request<'a> {
    client: &'a Client<DefaultClientContext>,
    options: Owned<rd_kafka_AdminOptions_t>,
    queue: Owned<rd_kafka_queue_t>,
    patience: Duration,
}

impl<'a> Request<'a> {
    fn new(
        client: &'a Client<DefaultClientContext>,
        operation: rd_kafka_admin_op_t,
        patience: Duration,
    ) -> Result<Self, Refusal> {
        let rk = client.native_ptr();
        // SAFETY: the client is alive, and stays so as long as it is borrowed.
        let (options, queue) = unsafe {
            (
                rd_kafka_AdminOptions_new(rk, operation),
                rd_kafka_queue_new(rk),
            )
        };
        let options = Owned::new(options, rd_kafka_AdminOptions_destroy);
        let queue = Owned::new(queue, rd_kafka_queue_destroy);
        let (Some(options), Some(queue)) = (options, queue) else {
            return Err(Refusal::invalid("librdkafka makes no such request"));
        };
        let mut why = Why::default();
        // SAFETY: the options are alive; the buffer outlives the call, which writes at most its length.
        let code = unsafe {
            rd_kafka_AdminOptions_set_request_timeout(
                options.as_ptr(),
                milliseconds(patience),
                why.as_mut_ptr(),
                why.len(),
            )
        };
        why.checked(code)?;
        Ok(Self {
            client,
            options,
            queue,
            patience,
        })
    }

    /// Asks the broker to say what it would do, and do nothing.
    fn only_validate(&mut self) -> Result<(), Refusal> {
        let mut why = Why::default();
        // SAFETY: the options are alive; the buffer outlives the call, which writes at most its length.
        let code = unsafe {
            rd_kafka_AdminOptions_set_validate_only(
                self.options.as_ptr(),
                1,
                why.as_mut_ptr(),
                why.len(),
            )
        };
        why.checked(code)
    }

    fn include_authorized_operations(&self) -> Result<(), Refusal> {
        // SAFETY: the options are alive.
        let error = unsafe {
            rd_kafka_AdminOptions_set_include_authorized_operations(self.options.as_ptr(), 1)
        };
        Owned::new(error, rd_kafka_error_destroy)
            .map_or(Ok(()), |error| Err(refusal(error.as_ptr())))
    }

    /// Sends it and waits for the answer, which is no error then.
    fn send(
        &self,
        call: impl FnOnce(*mut rd_kafka_t, *const rd_kafka_AdminOptions_t, *mut rd_kafka_queue_t),
    ) -> Result<Owned<rd_kafka_event_t>, Refusal> {
        call(
            self.client.native_ptr(),
            self.options.as_ptr(),
            self.queue.as_ptr(),
        );
        // SAFETY: the queue is alive and used by this thread alone.
        let event = unsafe {
            rd_kafka_queue_poll(self.queue.as_ptr(), milliseconds(self.patience + MARGIN))
        };
        let answer = Owned::new(event, rd_kafka_event_destroy).ok_or_else(|| Refusal {
            code: RDKafkaErrorCode::OperationTimedOut,
            message: "no answer in time".to_owned(),
        })?;
        // SAFETY: the answer is alive, and so is its text, which is copied.
        let (code, message) = unsafe {
            (
                RDKafkaErrorCode::from(rd_kafka_event_error(answer.as_ptr())),
                text(rd_kafka_event_error_string(answer.as_ptr())),
            )
        };
        if code == RDKafkaErrorCode::NoError {
            Ok(answer)
        } else {
            Err(Refusal { code, message })
        }
    }
}

/// Where librdkafka writes what is wrong with an argument.
struct Why([c_char; 256]);

impl Default for Why {
    fn default() -> Self {
        Self([0; 256])
    }
}

impl Why {
    const fn as_mut_ptr(&mut self) -> *mut c_char {
        self.0.as_mut_ptr()
    }

    const fn len(&self) -> usize {
        self.0.len()
    }

    fn text(&self) -> String {
        // SAFETY: zeroed at first, and librdkafka ends what it writes with a zero within the buffer.
        unsafe { text(self.0.as_ptr()) }
    }

    fn checked(&self, code: rd_kafka_resp_err_t) -> Result<(), Refusal> {
        let code = RDKafkaErrorCode::from(code);
        if code == RDKafkaErrorCode::NoError {
            return Ok(());
        }
        Err(Refusal {
            code,
            message: self.text(),
        })
    }
}

/// A topic or broker, to be asked about or changed.
fn resource(
    kind: rd_kafka_ResourceType_t,
    name: &str,
) -> Result<Owned<rd_kafka_ConfigResource_t>, Refusal> {
    let name = c_string(name)?;
    // SAFETY: `name` outlives the call, which copies it; what is no resource makes it return null.
    let resource = unsafe { rd_kafka_ConfigResource_new(kind, name.as_ptr()) };
    Owned::new(resource, rd_kafka_ConfigResource_destroy)
        .ok_or_else(|| Refusal::invalid(format!("{name:?} names no topic or broker")))
}

/// What an answer says against a resource in it, which must be alive.
fn checked(resource: *const rd_kafka_ConfigResource_t) -> Result<(), Refusal> {
    // SAFETY: the resource is alive, and so is its text, which is copied.
    let (code, message) = unsafe {
        (
            RDKafkaErrorCode::from(rd_kafka_ConfigResource_error(resource)),
            text(rd_kafka_ConfigResource_error_string(resource)),
        )
    };
    if code == RDKafkaErrorCode::NoError {
        Ok(())
    } else {
        Err(Refusal { code, message })
    }
}

fn binding(acl: &Acl) -> Result<Owned<rd_kafka_AclBinding_t>, Refusal> {
    let (name, principal, host) = (
        c_string(&acl.name)?,
        c_string(&acl.principal)?,
        c_string(&acl.host)?,
    );
    let mut why = Why::default();
    // SAFETY: strings and buffer outlive the call, which copies the ones and writes at most its length into the other;
    // what it cannot take makes it return null.
    let binding = unsafe {
        rd_kafka_AclBinding_new(
            resource_to(acl.resource),
            name.as_ptr(),
            pattern_to(acl.pattern),
            principal.as_ptr(),
            host.as_ptr(),
            operation_to(acl.operation),
            permission_to(acl.permission),
            why.as_mut_ptr(),
            why.len(),
        )
    };
    Owned::new(binding, rd_kafka_AclBinding_destroy)
        .ok_or_else(|| Refusal::invalid(format!("{acl}: {}", why.text())))
}

/// A copy of a binding, which must be alive. What librdkafka does not know it has made "unknown" before.
fn acl(binding: *const rd_kafka_AclBinding_t) -> Acl {
    // SAFETY: the binding is alive, and so are its strings, which are copied.
    unsafe {
        Acl {
            principal: text(rd_kafka_AclBinding_principal(binding)),
            resource: resource_from(rd_kafka_AclBinding_restype(binding)),
            name: text(rd_kafka_AclBinding_name(binding)),
            pattern: pattern_from(rd_kafka_AclBinding_resource_pattern_type(binding)),
            operation: operation_from(rd_kafka_AclBinding_operation(binding)),
            permission: permission_from(rd_kafka_AclBinding_permission_type(binding)),
            host: text(rd_kafka_AclBinding_host(binding)),
        }
    }
}

/// What an error, which must be alive, says.
fn refusal(error: *const rd_kafka_error_t) -> Refusal {
    // SAFETY: the error is alive, and so is its text, which is copied.
    unsafe {
        Refusal {
            code: RDKafkaErrorCode::from(rd_kafka_error_code(error)),
            message: text(rd_kafka_error_string(error)),
        }
    }
}

fn unexpected() -> Refusal {
    Refusal {
        code: RDKafkaErrorCode::Fail,
        message: "an answer to something else".to_owned(),
    }
}

/// A copy of an array of `count` pointers.
///
/// # Safety
/// `first` points to that many, or is null.
unsafe fn array<T>(first: *mut *const T, count: usize) -> Vec<*const T> {
    if first.is_null() {
        return Vec::new();
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(first, count) }.to_vec()
}

/// A copy of a text; empty for null.
///
/// # Safety
/// `pointer` is null or points to a string that ends with a zero.
unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(pointer) }
        .to_string_lossy()
        .into_owned()
}

fn c_string(text: &str) -> Result<CString, Refusal> {
    CString::new(text).map_err(|_| Refusal::invalid(format!("{text:?} has a zero byte in it")))
}

fn milliseconds(duration: Duration) -> c_int {
    c_int::try_from(duration.as_millis()).unwrap_or(c_int::MAX)
}

/// Both ways between an enumeration here and librdkafka's; what is not listed is `Other`, and "unknown" there.
macro_rules! both_ways {
    ($to:ident, $from:ident, $here:ident, $there:ident, $unknown:ident, { $($one:ident = $other:ident,)* }) => {
        const fn $to(value: $here) -> $there {
            match value {
                $($here::$one => $there::$other,)*
                $here::Other => $there::$unknown,
            }
        }

        const fn $from(value: $there) -> $here {
            match value {
                $($there::$other => $here::$one,)*
                _ => $here::Other,
            }
        }
    };
}

both_ways!(resource_to, resource_from, Resource, rd_kafka_ResourceType_t, RD_KAFKA_RESOURCE_UNKNOWN, {
    Topic = RD_KAFKA_RESOURCE_TOPIC,
    Group = RD_KAFKA_RESOURCE_GROUP,
    TransactionalId = RD_KAFKA_RESOURCE_TRANSACTIONAL_ID,
    // librdkafka's name for it; the number is that of Kafka's CLUSTER.
    Cluster = RD_KAFKA_RESOURCE_BROKER,
});

both_ways!(pattern_to, pattern_from, Pattern, rd_kafka_ResourcePatternType_t, RD_KAFKA_RESOURCE_PATTERN_UNKNOWN, {
    Literal = RD_KAFKA_RESOURCE_PATTERN_LITERAL,
    Prefixed = RD_KAFKA_RESOURCE_PATTERN_PREFIXED,
});

both_ways!(operation_to, operation_from, Operation, rd_kafka_AclOperation_t, RD_KAFKA_ACL_OPERATION_UNKNOWN, {
    All = RD_KAFKA_ACL_OPERATION_ALL,
    Read = RD_KAFKA_ACL_OPERATION_READ,
    Write = RD_KAFKA_ACL_OPERATION_WRITE,
    Create = RD_KAFKA_ACL_OPERATION_CREATE,
    Delete = RD_KAFKA_ACL_OPERATION_DELETE,
    Alter = RD_KAFKA_ACL_OPERATION_ALTER,
    Describe = RD_KAFKA_ACL_OPERATION_DESCRIBE,
    ClusterAction = RD_KAFKA_ACL_OPERATION_CLUSTER_ACTION,
    DescribeConfigs = RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS,
    AlterConfigs = RD_KAFKA_ACL_OPERATION_ALTER_CONFIGS,
    IdempotentWrite = RD_KAFKA_ACL_OPERATION_IDEMPOTENT_WRITE,
});

both_ways!(permission_to, permission_from, Permission, rd_kafka_AclPermissionType_t, RD_KAFKA_ACL_PERMISSION_TYPE_UNKNOWN, {
    Allow = RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW,
    Deny = RD_KAFKA_ACL_PERMISSION_TYPE_DENY,
});

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Acl {
        Acl {
            principal: "User:prüfer".to_owned(),
            resource: Resource::TransactionalId,
            name: "weir-rescore-".to_owned(),
            pattern: Pattern::Prefixed,
            operation: Operation::Write,
            permission: Permission::Allow,
            host: "*".to_owned(),
        }
    }

    #[test]
    fn an_acl_survives_the_way_there_and_back() {
        let there = binding(&sample()).unwrap();
        assert_eq!(acl(there.as_ptr()), sample());
    }

    #[test]
    fn what_librdkafka_does_not_take_is_an_error_in_words() {
        let with = |change: fn(&mut Acl)| {
            let mut acl = sample();
            change(&mut acl);
            binding(&acl).map(drop).unwrap_err().message
        };
        assert!(with(|acl| acl.resource = Resource::Other).contains("Invalid resource type"));
        assert!(with(|acl| acl.operation = Operation::Other).contains("Invalid operation"));
        assert!(with(|acl| acl.principal = "a\0b".to_owned()).contains("zero byte"));
    }
}
