"""Runs the Python client against one API endpoint.

    checks.py KUBECONFIG

Prints one JSON line for each check: {"check": "...", "ok": true, "detail": "..."}. The exit code is 0 when all held.
"""

import base64
import json
import sys
import threading
import time
import traceback

from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import ConflictError, NotFoundError

NAMESPACE = "python"
GROUP = "python.example.com"
# How long one thing may take on a slow machine, in seconds.
PATIENCE = 300

checks = []


def check(function):
    """Registers a check; they run in the order of this file."""
    checks.append(function)
    return function


def expect(got, wanted, what="value"):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, want {wanted!r}")


def refused(status, call, part=""):
    """Expects an ApiException of the given status whose body holds part; answers the Status object."""
    try:
        call()
    except ApiException as error:
        expect(error.status, status, "status")
        body = json.loads(error.body)
        expect(body["kind"], "Status", "kind")
        if part not in body["message"]:
            raise AssertionError(f"message {body['message']!r} without {part!r}") from error
        return body
    raise AssertionError("the call was not refused")


def eventually(condition):
    end = time.monotonic() + PATIENCE
    while True:
        try:
            if condition():
                return
            last = None
        except ApiException as error:
            last = error
        if time.monotonic() > end:
            raise AssertionError(f"not within {PATIENCE} s") from last
        time.sleep(0.1)


def config_map(name, data=None, labels=None):
    metadata = client.V1ObjectMeta(name=name, labels=labels)
    return client.V1ConfigMap(metadata=metadata, data=data)


@check
def version_and_discovery():
    expect(client.VersionApi().get_code().major, "1", "major")
    resources = client.CoreV1Api().get_api_resources().resources
    if "configmaps" not in [each.name for each in resources]:
        raise AssertionError("no configmaps in discovery")
    groups = [group.name for group in client.ApisApi().get_api_versions().groups]
    if "coordination.k8s.io" not in groups:
        raise AssertionError(f"groups {groups}")


@check
def crud():
    api = client.CoreV1Api()
    made = api.create_namespaced_config_map(NAMESPACE, config_map("crud", {"a": "1"}, {"kind": "crud"}))
    if made.metadata.creation_timestamp.tzinfo is None or not made.metadata.uid:
        raise AssertionError(f"metadata {made.metadata}")
    refused(409, lambda: api.create_namespaced_config_map(NAMESPACE, config_map("crud")), "already exists")
    read = api.read_namespaced_config_map("crud", NAMESPACE)
    read.data["b"] = "2"
    replaced = api.replace_namespaced_config_map("crud", NAMESPACE, read)
    expect(replaced.data, {"a": "1", "b": "2"})
    refused(409, lambda: api.replace_namespaced_config_map("crud", NAMESPACE, read), "the object has been modified")
    listed = api.list_namespaced_config_map(NAMESPACE, label_selector="kind in (crud)", limit=10)
    expect([each.metadata.name for each in listed.items], ["crud"])
    refused(422, lambda: api.create_namespaced_config_map(NAMESPACE, config_map("Not_A_Name")), "RFC 1123")
    api.delete_namespaced_config_map("crud", NAMESPACE)
    refused(404, lambda: api.read_namespaced_config_map("crud", NAMESPACE), 'configmaps "crud" not found')


@check
def patches_of_three_kinds():
    api = client.CoreV1Api()
    api.create_namespaced_config_map(NAMESPACE, config_map("patched", {"a": "1"}))
    # A list is a JSON patch, an object a strategic merge patch.
    api.patch_namespaced_config_map("patched", NAMESPACE, [{"op": "add", "path": "/data/j", "value": "1"}])
    last = api.patch_namespaced_config_map("patched", NAMESPACE, {"data": {"a": None, "s": "1"}})
    expect(last.data, {"j": "1", "s": "1"})
    last = api.patch_namespaced_config_map(
        "patched", NAMESPACE, {"data": {"j": None, "m": "1"}}, _content_type="application/merge-patch+json"
    )
    expect(last.data, {"s": "1", "m": "1"})


@check
def secrets_service_accounts_and_leases():
    api = client.CoreV1Api()
    api.create_namespaced_secret(
        NAMESPACE, client.V1Secret(metadata=client.V1ObjectMeta(name="secret"), string_data={"key": "value"})
    )
    secret = api.read_namespaced_secret("secret", NAMESPACE)
    expect((secret.type, base64.b64decode(secret.data["key"])), ("Opaque", b"value"))
    api.create_namespaced_service_account(
        NAMESPACE, client.V1ServiceAccount(metadata=client.V1ObjectMeta(name="robot"))
    )
    lease = client.V1Lease(
        metadata=client.V1ObjectMeta(name="lease"),
        spec=client.V1LeaseSpec(holder_identity="me", lease_duration_seconds=10),
    )
    made = client.CoordinationV1Api().create_namespaced_lease(NAMESPACE, lease)
    expect(made.spec.holder_identity, "me")


@check
def create_from_yaml():
    made = utils.create_from_dict(
        client.ApiClient(),
        {
            "apiVersion": "v1",
            "kind": "List",
            "items": [
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"listed-{at}", "namespace": NAMESPACE}}
                for at in range(2)
            ],
        },
    )
    expect([each.metadata.name for each in made], ["listed-0", "listed-1"])


@check
def pages():
    api = client.CoreV1Api()
    for at in range(5):
        api.create_namespaced_config_map(NAMESPACE, config_map(f"page-{at}", labels={"kind": "page"}))
    names, token = [], None
    while True:
        page = api.list_namespaced_config_map(NAMESPACE, label_selector="kind=page", limit=2, _continue=token)
        names += [each.metadata.name for each in page.items]
        token = page.metadata._continue
        if not token:
            break
    expect(names, [f"page-{at}" for at in range(5)])
    api.delete_collection_namespaced_config_map(NAMESPACE, label_selector="kind=page")
    expect(api.list_namespaced_config_map(NAMESPACE, label_selector="kind=page").items, [])


def watched(stream_of, act, wanted):
    """Watches while act runs in another thread; expects the events that wanted lists."""
    seen = []
    failures = []

    def acting():
        try:
            act()
        except Exception as error:  # what went wrong is told below
            failures.append(error)

    thread = threading.Thread(target=acting)
    watching = watch.Watch()
    thread.start()
    try:
        for event in stream_of(watching):
            seen.append((event["type"], event["raw_object"]["metadata"]["name"]))
            if len(seen) >= len(wanted):
                break
    finally:
        watching.stop()
        thread.join()
    if failures:
        raise failures[0]
    expect(seen, wanted, "events")


@check
def watch_from_a_version():
    api = client.CoreV1Api()
    start = api.list_namespaced_config_map(NAMESPACE).metadata.resource_version

    def act():
        api.create_namespaced_config_map(NAMESPACE, config_map("watched", {"a": "1"}))
        api.patch_namespaced_config_map("watched", NAMESPACE, {"data": {"a": "2"}})
        api.delete_namespaced_config_map("watched", NAMESPACE)

    watched(
        lambda watching: watching.stream(
            api.list_namespaced_config_map,
            NAMESPACE,
            resource_version=start,
            field_selector="metadata.name=watched",
            timeout_seconds=PATIENCE,
        ),
        act,
        [("ADDED", "watched"), ("MODIFIED", "watched"), ("DELETED", "watched")],
    )


def definition():
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "required": ["size"],
                "properties": {
                    "size": {"type": "integer", "minimum": 1},
                    "colour": {"type": "string", "default": "grey"},
                    "parts": {
                        "type": "array",
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["name"],
                        "items": {
                            "type": "object",
                            "required": ["name"],
                            "properties": {"name": {"type": "string"}, "count": {"type": "integer"}},
                        },
                    },
                },
                "x-kubernetes-validations": [{"rule": "self.size < 100", "message": "too big"}],
            },
            "status": {"type": "object", "properties": {"ready": {"type": "boolean"}}},
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    }


def widget(name, **spec):
    return {"apiVersion": f"{GROUP}/v1", "kind": "Widget", "metadata": {"name": name}, "spec": spec}


@check
def a_custom_resource_definition():
    api = client.ApiextensionsV1Api()
    # The typed call wants a typed status back, so the object goes through the typed client.
    made = api.create_custom_resource_definition(definition())
    expect(made.spec.names.kind, "Widget")

    def established():
        conditions = api.read_custom_resource_definition(made.metadata.name).status.conditions or []
        return any(each.type == "Established" and each.status == "True" for each in conditions)

    eventually(established)
    eventually(
        lambda: client.CustomObjectsApi().list_namespaced_custom_object(GROUP, "v1", NAMESPACE, "widgets")["items"]
        == []
    )


@check
def custom_objects():
    api = client.CustomObjectsApi()
    of = (GROUP, "v1", NAMESPACE, "widgets")
    made = api.create_namespaced_custom_object(*of, widget("first", size=3))
    expect(made["spec"], {"size": 3, "colour": "grey"})
    refused(422, lambda: api.create_namespaced_custom_object(*of, widget("bad", size=0)), "greater than or equal to 1")
    refused(422, lambda: api.create_namespaced_custom_object(*of, widget("bad", size=100)), "too big")
    refused(422, lambda: api.create_namespaced_custom_object(*of, widget("bad")), "spec.size: Required value")
    patched = api.patch_namespaced_custom_object(
        *of, "first", {"spec": {"size": 4}}, _content_type="application/merge-patch+json"
    )
    expect(patched["spec"]["size"], 4)
    status = api.patch_namespaced_custom_object_status(
        *of,
        "first",
        {"spec": {"size": 5}, "status": {"ready": True}},
        _content_type="application/merge-patch+json",
    )
    expect((status["spec"]["size"], status["status"], status["metadata"]["generation"]), (4, {"ready": True}, 2))
    read = api.get_namespaced_custom_object(*of, "first")
    read["spec"]["colour"] = "red"
    expect(api.replace_namespaced_custom_object(*of, "first", read)["spec"]["colour"], "red")
    listed = api.list_cluster_custom_object(GROUP, "v1", "widgets")
    expect((listed["kind"], len(listed["items"])), ("WidgetList", 1))
    api.delete_namespaced_custom_object(*of, "first")
    refused(404, lambda: api.get_namespaced_custom_object(*of, "first"), "not found")


@check
def watch_of_custom_objects():
    api = client.CustomObjectsApi()
    of = (GROUP, "v1", NAMESPACE, "widgets")
    start = api.list_namespaced_custom_object(*of)["metadata"]["resourceVersion"]

    def act():
        api.create_namespaced_custom_object(*of, widget("watched", size=1))
        api.delete_namespaced_custom_object(*of, "watched")

    watched(
        lambda watching: watching.stream(
            api.list_namespaced_custom_object, *of, resource_version=start, timeout_seconds=PATIENCE
        ),
        act,
        [("ADDED", "watched"), ("DELETED", "watched")],
    )


def dynamic_client():
    return dynamic.DynamicClient(client.ApiClient())


@check
def dynamic_crud_and_watch():
    api = dynamic_client()
    widgets = api.resources.get(api_version=f"{GROUP}/v1", kind="Widget")
    expect((widgets.name, widgets.namespaced, "status" in widgets.subresources), ("widgets", True, True))
    made = widgets.create(body=widget("dynamic", size=2), namespace=NAMESPACE)
    expect(made.spec.colour, "grey")
    start = widgets.get(namespace=NAMESPACE).metadata.resourceVersion
    patched = widgets.patch(
        body=widget("dynamic", size=7), namespace=NAMESPACE, content_type="application/merge-patch+json"
    )
    expect(patched.spec.size, 7)
    for event in widgets.watch(namespace=NAMESPACE, resource_version=start, timeout=PATIENCE):
        expect((event["type"], event["object"].spec.size), ("MODIFIED", 7))
        break
    widgets.status.patch(
        body={"metadata": {"name": "dynamic"}, "status": {"ready": True}},
        name="dynamic",
        namespace=NAMESPACE,
        content_type="application/merge-patch+json",
    )
    expect(widgets.get(name="dynamic", namespace=NAMESPACE).status.ready, True)
    widgets.delete(name="dynamic", namespace=NAMESPACE)
    try:
        widgets.get(name="dynamic", namespace=NAMESPACE)
    except NotFoundError:
        return
    raise AssertionError("the widget is still there")


@check
def server_side_apply():
    api = dynamic_client()
    maps = api.resources.get(api_version="v1", kind="ConfigMap")

    def apply(manager, data, **more):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": data}
        return maps.server_side_apply(body=body, namespace=NAMESPACE, field_manager=manager, **more)

    first = apply("one", {"a": "1", "b": "1"})
    same = apply("one", {"a": "1", "b": "1"})
    expect(same.metadata.resourceVersion, first.metadata.resourceVersion, "a version that stays")
    try:
        apply("two", {"a": "2"})
        raise AssertionError("no conflict")
    except ConflictError as error:
        body = json.loads(error.body)
        expect(body["details"]["causes"][0]["field"], ".data.a")
        expect(body["details"]["causes"][0]["message"], 'conflict with "one"')
    expect(apply("two", {"a": "2"}, force_conflicts=True).data.to_dict(), {"a": "2", "b": "1"})
    last = apply("one", {"c": "1"})
    expect(last.data.to_dict(), {"a": "2", "c": "1"})
    managers = {each.manager: each.fieldsV1.to_dict() for each in last.metadata.managedFields}
    expect(managers, {"one": {"f:data": {"f:c": {}}}, "two": {"f:data": {"f:a": {}}}})


@check
def server_side_apply_of_custom_objects():
    api = dynamic_client()
    widgets = api.resources.get(api_version=f"{GROUP}/v1", kind="Widget")

    def apply(manager, **spec):
        body = widget("applied", **spec)
        return widgets.server_side_apply(body=body, namespace=NAMESPACE, field_manager=manager).to_dict()

    apply("one", size=1, parts=[{"name": "a", "count": 1}])
    both = apply("two", parts=[{"name": "b", "count": 2}])
    expect(both["spec"]["parts"], [{"name": "a", "count": 1}, {"name": "b", "count": 2}])
    expect(apply("one", size=2)["spec"], {"size": 2, "colour": "grey", "parts": [{"name": "b", "count": 2}]})
    try:
        apply("three", size=9)
        raise AssertionError("no conflict")
    except ConflictError as error:
        expect(json.loads(error.body)["reason"], "Conflict")


@check
def the_definition_goes_and_takes_its_objects_along():
    api = client.ApiextensionsV1Api()
    api.delete_custom_resource_definition(f"widgets.{GROUP}")

    def gone():
        try:
            client.CustomObjectsApi().list_namespaced_custom_object(GROUP, "v1", NAMESPACE, "widgets")
            return False
        except ApiException as error:
            return error.status == 404

    eventually(gone)


def main():
    config.load_kube_config(sys.argv[1])
    client.CoreV1Api().create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NAMESPACE)))
    failed = 0
    for function in checks:
        line = {"check": function.__name__.replace("_", " "), "ok": True}
        try:
            function()
        except Exception:
            failed += 1
            line.update(ok=False, detail=traceback.format_exc())
        print(json.dumps(line), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
