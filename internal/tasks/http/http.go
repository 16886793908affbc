// Package http holds the tasks that send HTTP requests.
package http

import (
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

const (
	area  = "io.kestra.plugin.core.http."
	older = "io.kestra.plugin.fs.http."
)

// Types lists the types of this package.
func Types() []plugin.Type {
	return []plugin.Type{requestType(), downloadType(), sseType(), triggerType()}
}

// Call is what all requests have in common.
type Call struct {
	URI         string            `json:"uri" required:"true" doc:"The address."`
	Method      string            `json:"method" default:"GET" doc:"The method."`
	Body        *string           `json:"body" doc:"The body, as text."`
	FormData    map[string]any    `json:"formData" doc:"A form to send instead of a body. With the content type multipart/form-data a value that is the URI of a file, or an object with name and content, sends a file."`
	Params      map[string]any    `json:"params" doc:"Parameters to add to the address; a list gives one for each value."`
	ContentType string            `json:"contentType" default:"application/json" doc:"The content type of the body."`
	Headers     map[string]string `json:"headers" doc:"Headers to send."`
	Options     Options           `json:"options" doc:"How to connect, and what counts as failure."`
	AllowFailed *bool             `json:"allowFailed" deprecated:"options.allowFailed" doc:"Accept answers with a status of 400 and above."`
	SSLOptions  *TLS              `json:"sslOptions" deprecated:"options.ssl" doc:"How to check certificates."`
}

// Options say how to connect, and what counts as failure.
type Options struct {
	Timeout              *Timeout `json:"timeout" doc:"How long to wait for the server."`
	Proxy                *Proxy   `json:"proxy" doc:"The proxy to go through."`
	Auth                 *Auth    `json:"auth" doc:"How to authenticate."`
	SSL                  *TLS     `json:"ssl" doc:"How to check certificates."`
	FollowRedirects      bool     `json:"followRedirects" default:"true" doc:"Go where an answer redirects to."`
	AllowFailed          bool     `json:"allowFailed" default:"false" doc:"Accept answers with a status of 400 and above."`
	AllowedResponseCodes []int    `json:"allowedResponseCodes" doc:"The only statuses to accept, whatever allowFailed says."`
	DefaultCharset       string   `json:"defaultCharset" default:"UTF-8" doc:"The encoding of the body."`
	Logs                 []string `json:"logs" enum:"REQUEST_HEADERS,REQUEST_BODY,RESPONSE_HEADERS,RESPONSE_BODY" doc:"What to log of the request and the answer."`
	MaxContentLength     *int64   `json:"maxContentLength" min:"1" doc:"The largest answer that is read into memory, in bytes; 10 MiB unless it is set."`

	ConnectTimeout            *sdk.Duration `json:"connectTimeout" deprecated:"timeout.connectTimeout" doc:"How long connecting may take."`
	ReadTimeout               *sdk.Duration `json:"readTimeout" deprecated:"timeout.readIdleTimeout" doc:"How long the server may be silent."`
	ReadIdleTimeout           *sdk.Duration `json:"readIdleTimeout" deprecated:"timeout.readIdleTimeout" doc:"Not used."`
	ConnectionPoolIdleTimeout *sdk.Duration `json:"connectionPoolIdleTimeout" deprecated:"timeout" doc:"Not used: connections end with the task."`
	ProxyType                 string        `json:"proxyType" deprecated:"proxy.type" enum:"DIRECT,HTTP,SOCKS" doc:"The kind of proxy."`
	ProxyAddress              string        `json:"proxyAddress" deprecated:"proxy.address" doc:"The proxy's host."`
	ProxyPort                 int           `json:"proxyPort" deprecated:"proxy.port" doc:"The proxy's port."`
	ProxyUsername             string        `json:"proxyUsername" deprecated:"proxy.username" doc:"The user for the proxy."`
	ProxyPassword             string        `json:"proxyPassword" deprecated:"proxy.password" doc:"The password for the proxy."`
	BasicAuthUser             string        `json:"basicAuthUser" deprecated:"auth" doc:"The user for basic authentication."`
	BasicAuthPassword         string        `json:"basicAuthPassword" deprecated:"auth" doc:"The password for basic authentication."`
	LogLevel                  string        `json:"logLevel" deprecated:"logs" enum:"ALL,TRACE,DEBUG,INFO,WARN,ERROR,OFF,NOT_SPECIFIED" doc:"What to log: TRACE everything, DEBUG headers, INFO headers of answers."`
}

// Timeout says how long to wait for the server.
type Timeout struct {
	ConnectTimeout  *sdk.Duration `json:"connectTimeout" doc:"How long connecting may take."`
	ReadIdleTimeout sdk.Duration  `json:"readIdleTimeout" default:"PT5M" doc:"How long the server may be silent."`
}

// Proxy is a proxy to go through.
type Proxy struct {
	Type     string `json:"type" default:"HTTP" enum:"DIRECT,HTTP,SOCKS" doc:"The kind of proxy; DIRECT uses none."`
	Address  string `json:"address" doc:"The proxy's host."`
	Port     int    `json:"port" doc:"The proxy's port."`
	Username string `json:"username" doc:"The user for the proxy."`
	Password string `json:"password" doc:"The password for the proxy."`
}

// Auth says how to authenticate.
type Auth struct {
	Type     string `json:"type" required:"true" enum:"BASIC,BEARER,DIGEST" doc:"The scheme."`
	Username string `json:"username" doc:"The user, for BASIC and DIGEST."`
	Password string `json:"password" doc:"The password, for BASIC and DIGEST."`
	Token    string `json:"token" doc:"The token, for BEARER."`
}

// TLS says how to check certificates.
type TLS struct {
	InsecureTrustAllCertificates bool `json:"insecureTrustAllCertificates" default:"false" doc:"Accept every certificate, so that anybody may pose as the server."`
}

// modern returns the options with what older properties say put where it belongs now.
func (c *Call) modern() Options {
	o := c.Options
	if c.AllowFailed != nil {
		o.AllowFailed = *c.AllowFailed
	}
	if o.SSL == nil {
		o.SSL = c.SSLOptions
	}
	if o.Timeout == nil {
		o.Timeout = &Timeout{ConnectTimeout: o.ConnectTimeout, ReadIdleTimeout: defaultIdle}
		if o.ReadTimeout != nil {
			o.Timeout.ReadIdleTimeout = *o.ReadTimeout
		}
	}
	if o.Proxy == nil && o.ProxyAddress != "" {
		o.Proxy = &Proxy{o.ProxyType, o.ProxyAddress, o.ProxyPort, o.ProxyUsername, o.ProxyPassword}
	}
	if o.Auth == nil && o.BasicAuthUser != "" {
		o.Auth = &Auth{Type: "BASIC", Username: o.BasicAuthUser, Password: o.BasicAuthPassword}
	}
	if o.Logs == nil {
		switch o.LogLevel {
		case "TRACE", "ALL":
			o.Logs = []string{"REQUEST_HEADERS", "REQUEST_BODY", "RESPONSE_HEADERS", "RESPONSE_BODY"}
		case "DEBUG":
			o.Logs = []string{"REQUEST_HEADERS", "RESPONSE_HEADERS"}
		case "INFO":
			o.Logs = []string{"RESPONSE_HEADERS"}
		}
	}
	return o
}
