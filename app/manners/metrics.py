"""What Prometheus is told: one registry per application, so that several may live in one process."""

from prometheus_client import CollectorRegistry, Counter, Histogram


class Metrics:
    """Requests by route and status, and how long they took."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "landbridge_http_requests_total",
            "Requests answered",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "landbridge_http_request_seconds",
            "Time to the end of the answer; held and streamed answers count in full",
            ("method", "route"),
            registry=self.registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer; `route` is the template, never the address: ids would make a series each."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(method, route).observe(seconds)
