// Package server assembles the control plane: store, core, services and the HTTP side,
// on one listening address. Only commands/server starts it.
package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/notify"
	"github.com/usherhq/usher/internal/rules/masking"
	"github.com/usherhq/usher/internal/server/bus"
	"github.com/usherhq/usher/internal/server/certs"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/meter"
	"github.com/usherhq/usher/internal/server/origin"
	"github.com/usherhq/usher/internal/server/replica"
	"github.com/usherhq/usher/internal/server/rest"
	"github.com/usherhq/usher/internal/server/scim"
	"github.com/usherhq/usher/internal/server/services"
	"github.com/usherhq/usher/internal/server/signin"
	"github.com/usherhq/usher/internal/server/signin/pages"
	"github.com/usherhq/usher/internal/server/trace"
	"github.com/usherhq/usher/internal/server/web"
	"github.com/usherhq/usher/internal/server/ws"
	"github.com/usherhq/usher/internal/store"
)

// Options say where the server listens and where it keeps its data.
type Options struct {
	Host string
	Port int // 0 takes a free one
	// TLS is how the server proves who it is; the zero value is a server without TLS.
	TLS      certs.Options
	Database store.Config
	Log      *slog.Logger
	Clock    func() time.Time
	Keys     *crypt.Keeper // of the master keys
	// NoServices leaves the loops (scheduler, lateness, …) to another process.
	NoServices bool
	// NoAPI serves nothing and only runs the services.
	NoAPI    bool
	Services services.Options
	Upkeep   core.Upkeep
	// UIURL is where people see the web UI, for links in messages; "" is where the server
	// listens.
	UIURL  string
	Guards core.Guards
	// Accounts makes everybody say who they are, and may do only what they were given.
	Accounts bool
	// Rates bound what each account may ask for in a minute.
	Rates identity.Rates
	// SignIn is how people sign in to a server with accounts; nil: with keys only.
	SignIn *SignIn
	Mutes  core.Mutes
	// Masks take secrets out of log lines.
	Masks masking.Patterns
	CORS  rest.CORS
	Web   web.Options
	// Front is where clients find the API, at /api by default, and who may speak for them.
	Front origin.Front
	// OnlyPublic keeps webhooks and notifications from private addresses, whatever their
	// blocks allow.
	OnlyPublic bool
	// Reach lists where webhooks and notifications may go; the zero value is everywhere.
	Reach notify.Reach
	// SecurityTxt is whom to tell of weaknesses.
	SecurityTxt SecurityTxt
	// Metrics serves /api/metrics to who may call the API.
	Metrics bool
	// Trace says where spans go, nowhere when it is zero.
	Trace trace.Config
	// MaxRequests bounds the requests that are answered at once; 0 for no bound.
	MaxRequests int
	// KeepAlive is how long a connection is kept that nothing comes from: two minutes.
	KeepAlive time.Duration
	// Settings is what the API tells of the configuration; nil is the contract's defaults.
	Settings jsontext.Value
}

// Server is a control plane that listens but does not serve yet.
type Server struct {
	options  Options
	listener net.Listener // nil when nothing is served
	tls      *tls.Config  // nil without TLS
	store    *store.Store
	wallGap  string // why the database does not keep workspaces apart by itself
	core     *core.Core
	log      *slog.Logger
	site     *web.Site
	services []services.Service
	link     *replica.Link     // nil when no other server can share the database
	identity *identity.Service // nil on a server without accounts
	signin   *signin.Service   // nil when nobody signs in
	doors    *pages.Handler    // of signin
	inviter  *inviter          // nil when nobody signs in
	// directories write the people of accounts; nil on a server without accounts
	directories *scim.Handler
}

// Open takes the address and opens the database, migrating it. On an error nothing is
// left open.
func Open(ctx context.Context, o Options) (*Server, error) {
	shake, err := o.TLS.Config(o.Log)
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "%w", err)
	}
	listener, err := listen(ctx, &o)
	if err != nil {
		return nil, err
	}
	c, gap, err := openWalled(ctx, o)
	if err != nil {
		if listener != nil {
			err = errors.Join(err, listener.Close())
		}
		return nil, err
	}
	db := c.Store
	o.Web.Private = o.Accounts
	var s *Server
	if o.Accounts {
		o.Web.SignedIn = func(r *http.Request) bool { return s.doors == nil || s.doors.SignedIn(r) }
	}
	s = &Server{options: o, listener: listener, tls: shake, store: db, wallGap: gap, core: c, log: o.Log, site: web.New(c, o.Web)}
	if c.UIURL = strings.TrimRight(o.UIURL, "/"); c.UIURL == "" && listener != nil {
		c.UIURL = s.URL()
	}
	if messenger := db.Messenger(); messenger != nil {
		s.link = replica.Join(c, messenger, o.Log)
	}
	if o.Accounts {
		s.identity = identity.New(db, o.Clock, o.Log)
		s.identity.SetRates(o.Rates)
		c.MayAct = s.identity.MayAct
		s.directories = scim.New(s.identity, o.Log)
		if err := s.openSignIn(); err != nil {
			if listener != nil {
				err = errors.Join(err, listener.Close())
			}
			return nil, errors.Join(err, db.Close())
		}
	}
	if !o.NoServices {
		s.services = services.All(c, o.Log, o.Services)
	}
	return s, nil
}

func listen(ctx context.Context, o *Options) (net.Listener, error) {
	if o.NoAPI {
		return nil, nil
	}
	address := net.JoinHostPort(o.Host, strconv.Itoa(o.Port))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, api.Errorf(api.CodeConflict, "port %d on %s is in use; stop what listens there or choose another with --port", o.Port, o.Host)
	}
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "cannot listen on %s: %w", address, err)
	}
	return listener, nil
}

// openWalled is openCore that says whether there is a gap in the database's wall between
// workspaces.
func openWalled(ctx context.Context, o Options) (c *core.Core, gap string, err error) {
	if c, err = openCore(ctx, o); err != nil {
		return nil, "", err
	}
	if gap, err = c.Store.Wall(ctx); err != nil {
		return nil, "", errors.Join(err, c.Store.Close())
	}
	if gap != "" && o.Accounts && c.Store.Dialect().Name() == "postgres" {
		o.Log.WarnContext(ctx, "row-level security does not bind the server: let it connect as a role that is no superuser and has no BYPASSRLS", "because", gap)
	}
	return c, gap, nil
}

// openCore opens the database and checks that its secrets can be read.
func openCore(ctx context.Context, o Options) (*core.Core, error) {
	db, err := store.Open(ctx, o.Database)
	if err != nil {
		return nil, err
	}
	c := &core.Core{
		Store: db, Bus: &bus.Bus{}, Clock: o.Clock, Log: o.Log, Keys: o.Keys, Upkeep: o.Upkeep, Guards: o.Guards, Settings: o.Settings, Mutes: o.Mutes, Masks: o.Masks,
		Sender: &notify.Client{Clock: o.Clock, OnlyPublic: o.OnlyPublic, Allow: o.Reach, Own: o.SignIn.mailer(o.Clock)}, Tracer: trace.New(o.Trace, o.Log),
	}
	if o.Metrics {
		c.Meter = &meter.Meter{}
	}
	if err := c.CheckKeys(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return c, nil
}

// URL returns where the server listens, without a path.
func (s *Server) URL() string {
	if s.tls != nil {
		return "https://" + s.listener.Addr().String()
	}
	return "http://" + s.listener.Addr().String()
}

// Database names the database, without secrets.
func (s *Server) Database() string { return s.store.Describe() }

// publicURL is where people reach the server, "" when nobody has said it.
func (s *Server) publicURL() string {
	if s.options.SignIn == nil {
		return ""
	}
	return s.options.SignIn.PublicURL
}

// APIURL returns where the API is.
func (s *Server) APIURL() string { return s.URL() + cmp.Or(s.options.Front.APIPath, origin.API) }

// split gives what is below the API's path to the API, what is for webhooks to hooks, and
// the rest to the site.
func (s *Server) split(contract, hooks http.Handler) http.Handler {
	front := s.options.Front
	front.APIPath = cmp.Or(front.APIPath, origin.API)
	expires := s.options.Clock().Add(securityTxtLife)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, isAPI := front.Seen(r)
		if s.doors != nil && s.doors.Serves(r) {
			s.doors.ServeHTTP(w, r)
			return
		}
		if isAPI {
			contract.ServeHTTP(w, r)
			return
		}
		if r.URL.Path == securityTxtPath && r.Method == http.MethodGet {
			s.options.SecurityTxt.serve(w, s.publicURL(), expires)
			return
		}
		if r.URL.Path == securityPagePath && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			s.securityPage(w, r)
			return
		}
		if hooks != nil && strings.HasPrefix(r.URL.Path, "/hooks/") {
			hooks.ServeHTTP(w, r)
			return
		}
		if s.directories != nil && strings.HasPrefix(r.URL.Path, scim.Prefix) {
			s.directories.ServeHTTP(w, r)
			return
		}
		s.site.ServeHTTP(w, r)
	})
}

// grace is how long running requests may take after the server was told to stop.
const grace = 5 * time.Second

// Run serves until ctx ends, then lets running requests finish and closes the database.
func (s *Server) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	served := func() {}
	if s.listener != nil {
		served = s.serve(ctx, group)
	}
	if s.core.Tracer != nil {
		group.Go(func() error { s.core.Tracer.Run(ctx); return nil })
	}
	if s.link != nil {
		group.Go(func() error { return s.link.Run(ctx) })
	}
	if s.signin != nil {
		group.Go(func() error { return s.signin.Run(ctx) })
	}
	if s.identity != nil {
		group.Go(func() error { return s.identity.Run(ctx) })
	}
	if s.inviter != nil {
		group.Go(func() error { return s.inviter.run(ctx) })
	}
	for _, service := range s.services {
		group.Go(func() error { return service.Run(ctx) })
	}
	err := group.Wait()
	served()
	return errors.Join(err, s.store.Close())
}

// What a client may take, so that nobody holds a connection by sending slowly. Sockets
// and answers may take as long as they like.
const (
	headerTime = 10 * time.Second
	bodyTime   = 2 * time.Minute
	idleTime   = 2 * time.Minute
	headerSize = 64 << 10
)

// strict tells browsers to come back under TLS only. Those of this machine are not told:
// other servers of it speak otherwise.
func strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !certs.IsLocal(r.Host) {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		next.ServeHTTP(w, r)
	})
}

// serve answers requests until ctx ends; wait returns once the last socket has ended.
func (s *Server) serve(ctx context.Context, group *errgroup.Group) (wait func()) {
	api := &rest.API{
		Core: s.core, Log: s.log, CORS: s.options.CORS, MaxRequests: s.options.MaxRequests,
		Watch: rest.Watch{Meter: s.core.Meter, Tracer: s.core.Tracer}, Identity: s.identity, Facts: s.facts,
	}
	if s.doors != nil {
		api.SessionOf = s.doors.SessionSecret
	}
	var audit ws.AuditLog
	if s.identity != nil {
		audit = s.identity
	}
	sockets, socketsDone := ws.Handlers(ctx, s.core, api, audit, s.log)
	api.Sockets = sockets
	httpServer := &http.Server{
		Handler: s.split(api.Handler(), api.Hooks()), ReadHeaderTimeout: headerTime, ReadTimeout: bodyTime, IdleTimeout: cmp.Or(s.options.KeepAlive, idleTime),
		MaxHeaderBytes: headerSize,
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	serve := httpServer.Serve
	if s.tls != nil {
		httpServer.TLSConfig, httpServer.Handler = s.tls, strict(httpServer.Handler)
		serve = func(l net.Listener) error { return httpServer.ServeTLS(l, "", "") }
	}
	group.Go(func() error {
		if err := serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		if err := httpServer.Shutdown(stop); err != nil {
			return httpServer.Close()
		}
		return nil
	})
	return socketsDone
}
