package fs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/script"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

const commandName = area + "ssh.Command"

func commandType(openSSH bool) plugin.Type {
	return plugin.Type{
		Name: commandName, Category: plugin.Task, Title: "Run commands on a server.",
		Description: "Runs them in the shell of the user, who is reached by SSH. What they write is logged as it comes; lines such as " +
			"`::{\"outputs\":{\"size\":3}}::` are outputs, as those of scripts are. The task fails where the last command does.",
		Examples: []plugin.Example{{Title: "Two commands, by a key", YAML: `id: disk
type: io.kestra.plugin.fs.ssh.Command
host: web.example.com
username: deploy
authMethod: PUBLIC_KEY
privateKey: "{{ secret('DEPLOY_KEY') }}"
strictHostKeyChecking: "yes"
commands:
  - set -e
  - df -h /srv
  - echo "::{\"outputs\":{\"host\":\"$(hostname)\"}}::"`}},
		New: func() any { return &Command{openSSH: openSSH} }, Outputs: CommandOutput{},
	}
}

// Command runs commands on a server.
type Command struct {
	Host                  string            `json:"host" required:"true" doc:"The server; with OPEN_SSH a name of its configuration, too."`
	Port                  string            `json:"port" default:"22" doc:"Its port."`
	AuthMethod            string            `json:"authMethod" default:"PASSWORD" enum:"PASSWORD,PUBLIC_KEY,OPEN_SSH" doc:"How to log in: OPEN_SSH reads the worker's configuration of OpenSSH, which has to be allowed by allow-open-ssh-config of this type in plugins.configurations."`
	Username              string            `json:"username" doc:"The user."`
	Password              string            `json:"password" doc:"The user's password, for PASSWORD; for OPEN_SSH if it is set."`
	PrivateKey            string            `json:"privateKey" doc:"The user's private key as PEM, for PUBLIC_KEY."`
	PrivateKeyPassphrase  string            `json:"privateKeyPassphrase" doc:"The password of the key."`
	OpenSSHConfigPath     string            `json:"openSSHConfigPath" doc:"The configuration of OpenSSH."`
	OpenSSHConfigDir      string            `json:"openSSHConfigDir" default:"~/.ssh/config" deprecated:"openSSHConfigPath" doc:"The configuration of OpenSSH, where openSSHConfigPath is not set."`
	ProxyCommand          string            `json:"proxyCommand" doc:"A command that the worker runs to reach the server, with %h, %p and %r for host, port and user."`
	StrictHostKeyChecking string            `json:"strictHostKeyChecking" default:"no" doc:"Whether the server's key has to be in the worker's ~/.ssh/known_hosts: yes, or no, which accepts any key. Nobody can be asked, so ask is yes."`
	EnableSSHRSA1         bool              `json:"enableSshRsa1" default:"false" doc:"Whether keys with SHA-1, which are weak, are accepted."`
	Commands              []string          `json:"commands" required:"true" doc:"The commands, a line each."`
	Env                   map[string]string `json:"env" doc:"Environment variables. The server has to accept them: AcceptEnv of OpenSSH."`
	WarningOnStdErr       *bool             `json:"warningOnStdErr" deprecated:"an exit code" doc:"Accepted and not used."`

	openSSH bool // whether the worker's configuration may be used
}

// CommandOutput is what came of commands.
type CommandOutput struct {
	Vars     *value.Map `json:"vars" doc:"What the commands have told in lines ::{\"outputs\":{…}}::."`
	ExitCode int        `json:"exitCode" doc:"The exit code of the last one."`
}

// Run runs the commands.
func (t *Command) Run(ctx context.Context, run sdk.Run) (any, error) {
	if len(t.Commands) == 0 {
		return nil, errors.New("commands: there is none")
	}
	client, err := t.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }() // all that was asked for was answered
	s, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }()
	for _, name := range slices.Sorted(maps.Keys(t.Env)) {
		if err := s.Setenv(name, t.Env[name]); err != nil {
			run.Log(sdk.LevelWarn, "the server does not accept the environment variable %s", name)
		}
	}
	heard := script.Hear(run)
	s.Stdout, s.Stderr = heard.Outputs()
	if err := s.Start(strings.Join(t.Commands, "\n")); err != nil {
		return nil, err
	}
	err = wait(ctx, client, s)
	out := CommandOutput{Vars: heard.Vars()}
	var exit *ssh.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &exit) && exit.Signal() != "":
		err = fmt.Errorf("the commands were ended by the signal %s", exit.Signal())
	case errors.As(err, &exit):
		out.ExitCode = exit.ExitStatus()
		err = fmt.Errorf("the commands ended with the exit code %d", out.ExitCode)
	case err != nil:
		return nil, fmt.Errorf("the connection broke: %w", err)
	}
	if err != nil {
		return nil, &sdk.OutputError{Err: err, Outputs: out}
	}
	return out, nil
}

// grace is how long commands that are to end have for it.
const grace = 5 * time.Second

// wait waits for the commands, and ends them where the task is to end.
func wait(ctx context.Context, client *ssh.Client, s *ssh.Session) error {
	ended := make(chan error, 1)
	go func() { ended <- s.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	_ = s.Signal(ssh.SIGTERM) // a server that knows no signals ends them with the connection
	select {
	case err := <-ended:
		return err
	case <-time.After(grace):
	}
	_ = s.Signal(ssh.SIGKILL)
	_ = client.Close()
	return <-ended
}

// connect logs in.
func (t *Command) connect(ctx context.Context) (*ssh.Client, error) {
	host := hostConfig{name: t.Host, port: t.Port, user: t.Username}
	cfg := &ssh.ClientConfig{Timeout: patience}
	var err error
	switch t.AuthMethod {
	case "PASSWORD":
		if t.Password == "" {
			return nil, errors.New("password is required where authMethod is PASSWORD")
		}
		cfg.Auth = byPassword(t.Password)
	case "PUBLIC_KEY":
		if t.PrivateKey == "" {
			return nil, errors.New("privateKey is required where authMethod is PUBLIC_KEY")
		}
		if cfg.Auth, err = byKey(t.PrivateKey, t.PrivateKeyPassphrase); err != nil {
			return nil, fmt.Errorf("privateKey: %w", err)
		}
	case "OPEN_SSH":
		if cfg.Auth, err = t.fromOpenSSH(&host); err != nil {
			return nil, err
		}
	}
	cfg.User = host.user
	if cfg.HostKeyCallback, err = t.hostKeys(); err != nil {
		return nil, err
	}
	if t.EnableSSHRSA1 {
		allowSHA1(cfg)
	}
	dial := (&Server{}).dial
	if t.ProxyCommand != "" {
		dial = func(context.Context, string) (net.Conn, error) { return byProgram(t.ProxyCommand, host) }
	}
	return handshake(ctx, net.JoinHostPort(host.name, host.port), cfg, dial)
}
