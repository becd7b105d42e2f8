package ws

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/cleanup"
)

// The words of the worker channel.
const (
	channelVersion     = "work_pool_worker_channel.v1"
	canHeartbeat       = "worker_heartbeat.v1"
	canSnapshot        = "work_pool_snapshot.v1"
	canClean           = "cleanup_delivery.v1"
	canRunAvailable    = "usher.run_available.v1" // ours: the server says when there are runs
	frameHello         = "worker.hello.v1"
	frameReady         = "worker.ready.v1"
	frameHeartbeat     = "worker.heartbeat.v1"
	frameSnapshot      = "work_pool.snapshot.v1"
	frameRunsAvailable = "usher.run_available.v1"
	frameCleanup       = "cleanup.message.v1"
	frameCleanupAck    = "cleanup.ack.v1"
	frameCleanupFree   = "cleanup.release.v1"
	frameCleanupRenew  = "cleanup.renew.v1"
	frameCleanupResult = "cleanup.operation_result.v1"
)

// The reasons for which the server closes a worker channel.
var (
	errUnauthorized = &channelError{websocket.StatusPolicyViolation, "authorization_failed"}
	errVersion      = &channelError{websocket.StatusPolicyViolation, "unsupported_version"}
	errProtocol     = &channelError{websocket.StatusProtocolError, "protocol_error"}
	errHeartbeat    = &channelError{websocket.StatusInternalError, "heartbeat_persistence_failed"}
	errTransient    = &channelError{websocket.StatusInternalError, "transient_server_error"}
)

// channelError ends a worker channel with a code and a reason.
type channelError struct {
	code   websocket.StatusCode
	reason string
}

func (e *channelError) Error() string { return "worker channel: " + e.reason }

// frame is one message of the worker channel.
type frame struct {
	Type    string         `json:"type"`
	ID      uuid.UUID      `json:"id"`
	SentAt  api.Time       `json:"sent_at"`
	Payload jsontext.Value `json:"payload"`
}

type workerHello struct {
	ConsumerID   uuid.UUID      `json:"consumer_id"`
	WorkerName   string         `json:"worker_name"`
	WorkerType   string         `json:"worker_type"`
	Interval     int            `json:"heartbeat_interval_seconds"`
	Versions     []string       `json:"supported_channel_versions"`
	Capabilities []string       `json:"requested_capabilities"`
	Queues       []string       `json:"work_queue_names"`
	CleanupKinds []string       `json:"handled_cleanup_kinds"`
	MaxCleanup   *int           `json:"max_cleanup_concurrency"`
	CreatePool   bool           `json:"create_pool_if_not_found"`
	JobTemplate  jsontext.Value `json:"default_base_job_template"`
	Metadata     jsontext.Value `json:"worker_metadata"`
}

// isComplete says that the introduction keeps the protocol's rules.
func (h *workerHello) isComplete() bool {
	named := h.ConsumerID != uuid.Nil && h.WorkerName != "" && h.WorkerType != "" && h.Interval > 0
	wants := slices.Contains(h.Capabilities, canHeartbeat) && slices.Contains(h.Capabilities, canSnapshot)
	cleans := slices.Contains(h.Capabilities, canClean)
	unknown := slices.ContainsFunc(h.CleanupKinds, func(kind string) bool { return kind != cleanup.CancellingTimeout && kind != cleanup.PendingClaim })
	atOnce := h.MaxCleanup == nil || *h.MaxCleanup >= 0
	return named && wants && atOnce && !unknown && len(h.Versions) > 0 && (cleans || len(h.CleanupKinds) == 0 && (h.MaxCleanup == nil || *h.MaxCleanup == 0))
}

// cleanups is how many requests to tear something down the worker takes at once.
func (h *workerHello) cleanups() int {
	if !slices.Contains(h.Capabilities, canClean) || len(h.CleanupKinds) == 0 {
		return 0
	}
	if h.MaxCleanup == nil {
		return 1
	}
	return *h.MaxCleanup
}

type workerReady struct {
	ConsumerID   uuid.UUID       `json:"consumer_id"`
	WorkerID     *uuid.UUID      `json:"worker_id"`
	Version      string          `json:"selected_channel_version"`
	Interval     int             `json:"effective_heartbeat_interval_seconds"`
	Accepted     []string        `json:"accepted_capabilities"`
	Rejected     []string        `json:"rejected_capabilities"`
	MaxCleanup   int             `json:"effective_max_cleanup_concurrency"`
	Queues       []resolvedQueue `json:"resolved_work_queues"`
	InitialState poolSnapshot    `json:"initial_snapshot"`
}

type resolvedQueue struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
}

type poolSnapshot struct {
	Sequence int                   `json:"snapshot_sequence"`
	Reason   string                `json:"reason"`
	WorkPool *api.WorkPoolResponse `json:"work_pool"`
}

type workerBeat struct {
	ConsumerID uuid.UUID `json:"consumer_id"`
	WorkerName string    `json:"worker_name"`
	Interval   int       `json:"heartbeat_interval_seconds"`
}

type runsAvailable struct {
	Queues []uuid.UUID `json:"work_queue_ids"`
}

// readFrame reads the next frame, whose payload goes into the value that want names for
// its type; nil refuses the type.
func readFrame(ctx context.Context, conn *websocket.Conn, want func(kind string) any) (id uuid.UUID, err error) {
	_, data, err := conn.Read(ctx)
	if err != nil {
		return id, err
	}
	var f frame
	if strictly(data, &f) != nil || f.ID == uuid.Nil {
		return id, errProtocol
	}
	payload := want(f.Type)
	if payload == nil || strictly(f.Payload, payload) != nil {
		return id, errProtocol
	}
	return f.ID, nil
}

// strictly decodes what may have no members that v does not have.
func strictly(data []byte, v any) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return errors.New("nothing to decode")
	}
	return json.Unmarshal(data, v, json.RejectUnknownMembers(true))
}
