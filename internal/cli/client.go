package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// connection says how to reach a server.
type connection struct {
	server, user, token, tenant string
	headers                     []string
}

// connect gives a group of commands the flags of the connection and of the output.
func (o *options) connect(cmd *cobra.Command) *cobra.Command {
	f := cmd.PersistentFlags()
	f.StringVar(&o.conn.server, "server", serverAddress(), "address of the server; also by WINDHOVER_SERVER or KESTRA_SERVER")
	f.StringVar(&o.conn.user, "user", os.Getenv("WINDHOVER_USER"), "NAME:PASSWORD to log in with; also by WINDHOVER_USER")
	f.StringVar(&o.conn.token, "api-token", os.Getenv("WINDHOVER_API_TOKEN"), "token to log in with; also by WINDHOVER_API_TOKEN")
	f.StringArrayVar(&o.conn.headers, "header", nil, "a header of every request as NAME=VALUE")
	f.StringArrayVar(&o.conn.headers, "headers", nil, "the same as --header")
	_ = f.MarkHidden("headers")
	f.StringVar(&o.conn.tenant, "tenant", "main", "the tenant")
	// What comes from the environment is not shown as a default: it may be a password.
	for _, name := range []string{"user", "api-token"} {
		f.Lookup(name).DefValue = ""
	}
	o.outputFlag(f)
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{formatTable, "json", "yaml"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *options) outputFlag(f *pflag.FlagSet) {
	f.VarP(newChoice(&o.output, formatTable, "json", "yaml"), "output", "o", "how to print: table, json or yaml")
}

func serverAddress() string {
	for _, name := range []string{"WINDHOVER_SERVER", "KESTRA_SERVER"} {
		if s := os.Getenv(name); s != "" {
			return s
		}
	}
	return "http://localhost:8080"
}

// client calls the API of a server.
type client struct {
	connection
	http *http.Client
}

func (o *options) client() *client { return &client{o.conn, http.DefaultClient} }

// request is one call. The path is below the tenant; its parts have to be escaped (see pathOf).
type request struct {
	method, path string
	query        url.Values
	body         io.Reader
	contentType  string
	header       http.Header
}

// pathOf joins the parts of a path.
func pathOf(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("/" + url.PathEscape(p))
	}
	return b.String()
}

// apiError is what a server says of a request that it refuses.
type apiError struct {
	Status  int
	Message string
}

// Error is the server's message.
func (e *apiError) Error() string { return e.Message }

// open sends a request; an answer that is not a success becomes an *apiError. The caller closes the answer's body.
func (c *client) open(ctx context.Context, r request) (*http.Response, error) {
	base := strings.TrimRight(c.server, "/")
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	target := base + "/api/v1/" + url.PathEscape(c.tenant) + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, r.body)
	if err != nil {
		return nil, err
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	if err := c.authenticate(req); err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the server does not answer (is --server right?): %w", err)
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	defer res.Body.Close()
	return nil, errorOf(res)
}

// authenticate adds the name and password or the token, and the headers that were asked for.
func (c *client) authenticate(req *http.Request) error {
	if c.user != "" {
		name, password, ok := strings.Cut(c.user, ":")
		if !ok {
			return fmt.Errorf("--user: expected NAME:PASSWORD")
		}
		req.SetBasicAuth(name, password)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for _, h := range c.headers {
		name, v, ok := strings.Cut(h, "=")
		if !ok {
			return fmt.Errorf("--header %s: expected NAME=VALUE", h)
		}
		req.Header.Add(name, v)
	}
	return nil
}

// maxMessage bounds how much of an error's answer is read, in bytes.
const maxMessage = 1 << 20

func errorOf(res *http.Response) error {
	b, _ := io.ReadAll(io.LimitReader(res.Body, maxMessage))
	var told struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(b, &told) != nil || told.Message == "" {
		told.Message = "the server answered " + res.Status
	}
	return &apiError{res.StatusCode, told.Message}
}

// call sends a request and returns the whole answer.
func (c *client) call(ctx context.Context, r request) ([]byte, error) {
	res, err := c.open(ctx, r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

func (c *client) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	return c.call(ctx, request{method: http.MethodGet, path: path, query: query})
}

// getInto reads an answer that is JSON into a value.
func (c *client) getInto(ctx context.Context, path string, query url.Values, v any) error {
	b, err := c.get(ctx, path, query)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	return nil
}

// delete deletes; a body, where there is one, is JSON.
func (c *client) delete(ctx context.Context, path string, query url.Values, body []byte) ([]byte, error) {
	r := request{method: http.MethodDelete, path: path, query: query}
	if body != nil {
		r.body, r.contentType = bytes.NewReader(body), "application/json"
	}
	return c.call(ctx, r)
}

const contentYAML = "application/x-yaml"

func (c *client) sendYAML(ctx context.Context, method, path string, query url.Values, src []byte) ([]byte, error) {
	return c.call(ctx, request{method: method, path: path, query: query, body: bytes.NewReader(src), contentType: contentYAML})
}

func (c *client) sendJSON(ctx context.Context, method, path string, query url.Values, body any) ([]byte, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return c.call(ctx, request{method: method, path: path, query: query, body: bytes.NewReader(b), contentType: "application/json"})
}

// download writes an answer to a file, which is not there if the download fails.
func (c *client) download(ctx context.Context, r request, path string) (err error) {
	res, err := c.open(ctx, r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	f, err := createFile(path)
	if err != nil {
		return err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
		if err != nil {
			_ = os.Remove(path)
		}
	}()
	_, err = io.Copy(f, res.Body)
	return err
}

// createFile makes a file, and the directories above it.
func createFile(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return os.Create(path)
}
