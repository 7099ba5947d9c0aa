package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/klauspost/compress/zstd"
	"github.com/spf13/cobra"

	"github.com/psagate/psagate/internal/audit"
	"github.com/psagate/psagate/internal/installation"
	"github.com/psagate/psagate/internal/report"
	"github.com/psagate/psagate/internal/store"
)

// checkedLog is an audit log that a command looks at.
type checkedLog struct {
	files []string
	keys  []audit.Key
	heads []audit.Head // before the files were opened
}

// logFinder finds an audit log by what is known of it: from the running server, and from a config.
type logFinder struct {
	cmd *cobra.Command
	// standing is what the server says; nil: none runs.
	standing *report.AuditStatus
	app      *App
	engine   *liveEngine // reads the config's secrets
}

// findAuditLog finds the files that are named or, where none is, those of the log; and what it takes to check them, if that is
// wanted.
func findAuditLog(cmd *cobra.Command, files []string, check bool) (log checkedLog, err error) {
	if log.files = files; len(files) > 0 && !check {
		return log, nil
	}
	f := &logFinder{cmd: cmd, engine: new(liveEngine)}
	if err := f.look(); err != nil {
		return log, err
	}
	defer func() { err = errors.Join(err, f.engine.Close()) }()
	if check {
		if log.keys, err = f.keys(); err != nil {
			return log, err
		}
		if log.heads, err = f.heads(); err != nil {
			return log, err
		}
	}
	if len(files) == 0 {
		log.files, err = f.files()
	}
	return log, err
}

// look asks the server, and reads the config.
func (f *logFinder) look() error {
	server, err := adminOf(f.cmd)
	if err != nil {
		return err
	}
	standing, answered := new(report.AuditStatus), new(answeredError)
	switch err := server.get("audit", standing); {
	case err == nil:
		f.standing = standing
	case errors.As(err, answered):
		return err
	}
	f.app, err = f.config(server)
	return err
}

// config is the one that the command names, else the one that runs, else one that says nothing.
func (f *logFinder) config(server admin) (*App, error) {
	flags := caddycmd.Flags{FlagSet: f.cmd.Flags()}
	switch {
	case flags.String("config") != "":
		return appOf(flags)
	case f.standing == nil:
		return new(App), nil
	}
	return server.app()
}

// keys are the installation's, which are read where they are.
func (f *logFinder) keys() ([]audit.Key, error) {
	key, err := f.installationKey()
	if err != nil {
		return nil, fmt.Errorf("the key of the audit log: %w", err)
	}
	return key.Audit(), nil
}

func (f *logFinder) installationKey() (key installation.Key, err error) {
	if f.app.InstallationKey == nil {
		path := keyFile()
		if f.standing != nil && f.standing.KeyFile != "" {
			path = f.standing.KeyFile
		}
		if _, err := os.Stat(path); err != nil { // it would be made
			return key, fmt.Errorf("%w: run this as psagate's user, with its HOME or XDG_DATA_HOME", err)
		}
		key, _, err = installation.FromFile(path)
		return key, err
	}
	if err := f.openSecrets(); err != nil {
		return key, err
	}
	fields, err := f.engine.fields(context.Background(), f.app.InstallationKey)
	if err != nil {
		return key, err
	}
	return installation.FromFields(fields)
}

// openSecrets opens the config's secret stores.
func (f *logFinder) openSecrets() error {
	if f.engine.stores != nil {
		return nil
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	f.engine.ending = append(f.engine.ending, cancel)
	return f.engine.openAll(ctx, f.app)
}

// heads are the anchored ones.
func (f *logFinder) heads() ([]audit.Head, error) {
	if f.standing != nil {
		if heads := f.standing.Anchors(); heads != nil {
			return heads, nil
		}
		return nil, fmt.Errorf("the server does not give the anchors: %s", strings.Join(f.standing.Problems, "; "))
	}
	find := f.engine.text
	if s := f.app.Store; s != nil && s.DSNSecret != nil && s.DSNSecret.Store != "" {
		if err := f.openSecrets(); err != nil {
			return nil, err
		}
	}
	cfg, err := f.app.storeConfig(context.Background(), find)
	if err != nil {
		return nil, err
	}
	heads, err := store.ReadHeads(context.Background(), cfg.Kind, cfg.Place)
	if err != nil {
		return nil, fmt.Errorf("no server runs, and the anchors cannot be read from the store: %w", err)
	}
	return heads, nil
}

// files are those of the log: the one that is written, and those that it was rotated to.
func (f *logFinder) files() ([]string, error) {
	place, err := f.place()
	if err != nil {
		return nil, err
	}
	end := filepath.Ext(place)
	rotated, err := filepath.Glob(escapeGlob(strings.TrimSuffix(place, end)) + "-*" + escapeGlob(end) + "*")
	if err != nil {
		return nil, err
	}
	rotated = finished(rotated)
	if _, err := os.Stat(place); err != nil {
		if len(rotated) == 0 {
			return nil, fmt.Errorf("the audit log: %w", err)
		}
		return rotated, nil
	}
	return append(rotated, place), nil
}

// finished leaves out what is being compressed, and sorts the others: such a file is there twice for a moment, and once in part.
func finished(files []string) []string {
	slices.Sort(files)
	return slices.DeleteFunc(slices.Clone(files), func(name string) bool {
		return strings.HasSuffix(name, ".tmp") || slices.ContainsFunc(packed, func(end string) bool {
			plain, is := strings.CutSuffix(name, end)
			return is && slices.Contains(files, plain)
		})
	})
}

// packed are the ends of the names of files that are compressed.
var packed = []string{".gz", ".zst"}

// openAuditFile opens a file, or what it was compressed to since it was found.
func openAuditFile(name string) (*os.File, error) {
	f, err := os.Open(name)
	for _, end := range packed {
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
		if other, missing := os.Open(name + end); missing == nil {
			return other, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	return f, nil
}

// place is the file that the log is written to.
func (f *logFinder) place() (string, error) {
	if f.standing != nil && filepath.IsAbs(f.standing.Output) {
		return f.standing.Output, nil
	}
	u := f.app.Audit
	if u == nil {
		u = new(Audit)
	}
	raw, name := u.writer()
	var of struct {
		Filename string `json:"filename"`
	}
	if err := json.Unmarshal(raw, &of); err != nil || name != "file" || of.Filename == "" {
		return "", usageErrorf("the audit log is written to no file: name the files that its lines are in")
	}
	path, err := caddy.NewReplacer().ReplaceOrErr(of.Filename, true, true)
	if err != nil {
		return "", fmt.Errorf("the audit log's file: %w", err)
	}
	return filepath.Abs(path)
}

// escapeGlob makes a pattern that matches a text alone.
func escapeGlob(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(text)
}

func unpackZstd(r io.Reader) (plain io.Reader, end func(), err error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, nil, err
	}
	return z, z.Close, nil
}
