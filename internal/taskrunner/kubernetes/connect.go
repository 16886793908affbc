package kubernetes

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/windhover-io/windhover/internal/taskrunner"
	"github.com/windhover-io/windhover/sdk"
)

// Connection says which cluster is asked, and how it knows who asks.
type Connection struct {
	MasterURL                    string       `json:"masterUrl" doc:"The address of the API server; that of the cluster that the worker runs in unless it is set."`
	APIVersion                   string       `json:"apiVersion" default:"v1" doc:"The version of the API. There is one for pods."`
	Namespace                    string       `json:"namespace" doc:"The namespace, where the runner names none."`
	Username                     string       `json:"username" doc:"The user, for a password."`
	Password                     string       `json:"password" doc:"The password."`
	OAuthToken                   string       `json:"oauthToken" doc:"A token."`
	TrustCerts                   bool         `json:"trustCerts" default:"false" doc:"Whether the server is trusted whatever certificate it has."`
	DisableHostnameVerification  bool         `json:"disableHostnameVerification" default:"false" doc:"Not possible here: set trustCerts, or use the name that the certificate has."`
	CACertData                   string       `json:"caCertData" doc:"The certificate of who signed the server's: PEM, or that in Base64, as in a kubeconfig."`
	CACertFile                   string       `json:"caCertFile" doc:"A file of the worker with it."`
	ClientCertData               string       `json:"clientCertData" doc:"The certificate of who asks: PEM, or that in Base64."`
	ClientCertFile               string       `json:"clientCertFile" doc:"A file of the worker with it."`
	ClientKeyData                string       `json:"clientKeyData" doc:"Its private key: PEM, or that in Base64."`
	ClientKeyFile                string       `json:"clientKeyFile" doc:"A file of the worker with it."`
	ClientKeyAlgo                string       `json:"clientKeyAlgo" default:"RSA" doc:"Accepted and not used: the key tells of itself."`
	ClientKeyPassphrase          string       `json:"clientKeyPassphrase" doc:"Not possible here: give the key as it is, from a secret."`
	KeyStoreFile                 string       `json:"keyStoreFile" doc:"Not possible here: use clientCertData and clientKeyData."`
	KeyStorePassphrase           string       `json:"keyStorePassphrase" doc:"Not possible here."`
	TrustStoreFile               string       `json:"trustStoreFile" doc:"Not possible here: use caCertData."`
	TrustStorePassphrase         string       `json:"trustStorePassphrase" doc:"Not possible here."`
	MaxConcurrentRequests        int          `json:"maxConcurrentRequests" default:"64" doc:"Accepted and not used: a task has at most three requests under way."`
	MaxConcurrentRequestsPerHost int          `json:"maxConcurrentRequestsPerHost" default:"5" doc:"Accepted and not used."`
	WatchReconnectInterval       sdk.Duration `json:"watchReconnectInterval" default:"PT1S" doc:"How long is waited before a connection that was lost is made again."`
}

// Clusters is what all runners in one process share: the clusters that they use, and the pods that are looked after.
type Clusters struct {
	root string // of the directories in pods
	// stubborn bounds how long is waited for what a cluster has to do with a pod that is to end.
	stubborn time.Duration

	mu      sync.Mutex
	used    map[string]*cluster // by address and namespace
	busy    map[string]bool     // names of pods
	workers map[string]bool     // incarnations of workers in this process
}

// New returns what connects to clusters when they are first needed.
func New() *Clusters {
	return &Clusters{root: "/kestra", stubborn: 30 * time.Second, used: map[string]*cluster{}, busy: map[string]bool{}, workers: map[string]bool{}}
}

// cluster is a namespace of a cluster that can be asked.
type cluster struct {
	kubernetes.Interface
	config    *rest.Config
	namespace string
}

// connect returns a namespace of the cluster of a connection. It asks nothing of it yet.
func (c *Clusters) connect(at *Connection, namespace string) (*cluster, error) {
	config, err := at.rest()
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	config.QPS = -1 // the server knows how much it can bear
	config.UserAgent = "windhover"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if namespace == "" && at != nil {
		namespace = at.Namespace
	}
	if namespace == "" {
		namespace = "default"
	}
	k := &cluster{client, config, namespace}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used[config.Host+"/"+namespace] = k
	return k, nil
}

func (c *Clusters) list() []*cluster {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Values(c.used))
}

// mind tells that a pod is looked after by a worker, until what is returned is called.
func (c *Clusters) mind(worker, name string) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy[name], c.workers[worker] = true, true
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.busy, name)
	}
}

// minds tells whether a pod is looked after, ours whether its worker is in this process.
func (c *Clusters) minds(name, worker string) (minded, ours bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.busy[name], c.workers[worker]
}

// rest returns the configuration of a client.
func (at *Connection) rest() (*rest.Config, error) {
	if at == nil || !at.names() {
		return ambient()
	}
	if err := at.impossible(); err != nil {
		return nil, err
	}
	config := &rest.Config{
		Host: at.MasterURL, Username: at.Username, Password: at.Password, BearerToken: at.OAuthToken,
		TLSClientConfig: rest.TLSClientConfig{CAFile: at.CACertFile, CertFile: at.ClientCertFile, KeyFile: at.ClientKeyFile},
	}
	if config.BearerToken != "" { // a cluster takes one of them
		config.Username, config.Password = "", ""
	}
	if config.Host == "" {
		config.Host = "https://kubernetes.default.svc"
	}
	tls := &config.TLSClientConfig
	for _, f := range []struct {
		property, text string
		to             *[]byte
	}{{"caCertData", at.CACertData, &tls.CAData}, {"clientCertData", at.ClientCertData, &tls.CertData}, {"clientKeyData", at.ClientKeyData, &tls.KeyData}} {
		var err error
		if *f.to, err = pem(f.text); err != nil {
			return nil, fmt.Errorf("%s: %w", f.property, err)
		}
	}
	if at.TrustCerts {
		tls.Insecure, tls.CAData, tls.CAFile = true, nil, ""
	}
	return config, nil
}

// names tells whether a connection names a cluster, or who asks it.
func (at *Connection) names() bool {
	return at.MasterURL+at.Username+at.OAuthToken+at.CACertData+at.CACertFile+at.ClientCertData+at.ClientCertFile != "" || at.TrustCerts || at.impossible() != nil
}

func (at *Connection) impossible() error {
	switch {
	case at.DisableHostnameVerification:
		return errors.New("disableHostnameVerification: it is not possible here: set trustCerts, or use the name that the server's certificate has")
	case at.KeyStoreFile != "":
		return errors.New("keyStoreFile: Java's key stores are not read here: use clientCertData and clientKeyData")
	case at.TrustStoreFile != "":
		return errors.New("trustStoreFile: Java's key stores are not read here: use caCertData")
	case at.ClientKeyPassphrase != "" && at.ClientKeyData+at.ClientKeyFile != "":
		return errors.New("clientKeyPassphrase: encrypted keys are not read here: give the key as it is, from a secret")
	}
	return nil
}

// pem reads what is PEM, or that in Base64.
func pem(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if text == "" || strings.HasPrefix(text, "-----BEGIN") {
		return []byte(text), nil
	}
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil || !strings.HasPrefix(strings.TrimSpace(string(b)), "-----BEGIN") {
		return nil, errors.New("it is neither PEM nor that in Base64")
	}
	return b, nil
}

// ambient is the cluster that the worker runs in, or the one that its kubeconfig names.
func ambient() (*rest.Config, error) {
	config, err := rest.InClusterConfig()
	if err == nil {
		return config, nil
	}
	config, err = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if clientcmd.IsEmptyConfig(err) || errors.Is(err, os.ErrNotExist) {
		return nil, &unavailable{errors.New("the worker does not run in a cluster, and has no kubeconfig: set masterUrl, or KUBECONFIG of the worker")}
	}
	return config, err
}

// explain makes an error of the API say what can be done, where it does not answer at all.
func (k *cluster) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case unreachable(err):
		return &unavailable{fmt.Errorf("no Kubernetes API answers at %s: see that it runs there and that the worker can reach it (%w)", k.config.Host, err)}
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("the Kubernetes API at %s does not know who asks: see to the token, certificate or password of config (%w)", k.config.Host, err)
	}
	return err
}

// unavailable is taskrunner.ErrUnavailable with a text of its own.
type unavailable struct{ error }

func (u *unavailable) Unwrap() error      { return u.error }
func (*unavailable) Is(target error) bool { return target == taskrunner.ErrUnavailable }

// unreachable tells whether nobody has answered.
func unreachable(err error) bool {
	var u *url.Error
	var n net.Error
	return utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) || errors.Is(err, syscall.EHOSTUNREACH) ||
		errors.As(err, &u) && !errors.Is(err, context.Canceled) || errors.As(err, &n)
}

// passing tells whether it is worth asking again after an error.
func passing(err error) bool {
	if apierrors.IsNotFound(err) { // also where a node says so, in its own way
		return false
	}
	return unreachable(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) || apierrors.IsTooManyRequests(err) ||
		apierrors.IsInternalError(err) || apierrors.IsServiceUnavailable(err) || apierrors.IsUnexpectedServerError(err) || utilnet.IsProbableEOF(err)
}
