"""A fake OTLP receiver, which reads requests with OpenTelemetry's own classes."""

from typing import TYPE_CHECKING

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from tests.intake.messages import Reply, Request

if TYPE_CHECKING:
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

PROTOBUF = {"Content-Type": "application/x-protobuf"}


class OtlpReceiver:
    """Keeps records.

    Attributes:
        records: What was taken.
        requests: The requests that were read.
        rejected: How many records of each request it rejects: the last ones.
        message: What it says about it.
    """

    def __init__(self, rejected: int = 0, message: str = "") -> None:
        self.records: list[LogRecord] = []
        self.requests: list[ExportLogsServiceRequest] = []
        self.rejected = rejected
        self.message = message

    def __call__(self, request: Request) -> Reply:
        """Answer a request."""
        if request.method != "POST" or request.path != "/v1/logs":
            return Reply(404)
        if request.headers.get("content-type") != "application/x-protobuf":
            return Reply(415)
        if request.headers.get("content-encoding", "gzip") != "gzip":
            return Reply(415)
        try:
            asked = ExportLogsServiceRequest.FromString(request.body)
        except Exception:  # noqa: BLE001  # the package that has DecodeError ships no types
            return Reply(400)
        records = [
            record for resource in asked.resource_logs for scope in resource.scope_logs for record in scope.log_records
        ]
        rejected = min(self.rejected, len(records))
        self.requests.append(asked)
        self.records += records[: len(records) - rejected]
        answer = ExportLogsServiceResponse()
        if rejected or self.message:
            answer.partial_success.rejected_log_records = rejected
            answer.partial_success.error_message = self.message
        return Reply(200, PROTOBUF, answer.SerializeToString())
