// Package secret finds the secrets that flows use: those in environment variables, as the reference takes them, and those
// that people have put into the encrypted store.
package secret

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/mask"
)

// Kind is that of the documents that hold secrets.
const Kind = "secret"

// envPrefix begins the environment variables that hold secrets, in base64.
const envPrefix = "SECRET_"

// ErrNotFound says that there is no such secret.
var ErrNotFound = errors.New("cannot find secret")

// Store finds secrets. Encrypt and Decrypt are nil where no key is configured; then there is no encrypted store.
type Store struct {
	Docs             backend.Documents // nil: only the environment
	Encrypt, Decrypt func(string) (string, error)

	masks *mask.Book
	env   map[string]string
}

// New returns a store with the secrets of the environment. A variable that is not base64 is left out; invalid names them.
// Whatever secrets the store comes to know are added to masks.
func New(docs backend.Documents, encrypt, decrypt func(string) (string, error), masks *mask.Book) (s *Store, invalid []string) {
	s = &Store{Docs: docs, Encrypt: encrypt, Decrypt: decrypt, masks: masks, env: map[string]string{}}
	for _, kv := range os.Environ() {
		name, text, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, envPrefix) {
			continue
		}
		plain, err := decode(text)
		if err != nil {
			invalid = append(invalid, name)
			continue
		}
		s.env[strings.ToUpper(strings.TrimPrefix(name, envPrefix))] = plain
		masks.Add(plain)
	}
	sort.Strings(invalid)
	return s, invalid
}

func decode(text string) (string, error) {
	text = strings.NewReplacer("\n", "", "\r", "").Replace(text)
	plain, err := base64.StdEncoding.DecodeString(text)
	return string(plain), err
}

// stored is a secret in its document.
type stored struct {
	Value string `json:"value"` // encrypted
	// Previous are the values that the secret had before, encrypted: they stay hidden in what was written with them.
	Previous    []string          `json:"previous,omitempty"`
	Description string            `json:"description,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
}

// Secret returns the secret of that name: the namespace's own, one of those above it, or one of the environment.
func (s *Store) Secret(ctx context.Context, tenant, namespace, key string) (string, error) {
	for ns := namespace; s.Docs != nil && s.Decrypt != nil && ns != ""; ns = parent(ns) {
		d, err := s.Docs.Get(ctx, Kind, tenant, ns, key)
		if errors.Is(err, backend.ErrNotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		var b stored
		if err := json.Unmarshal(d.Body, &b); err != nil {
			return "", err
		}
		plain, err := s.Decrypt(b.Value)
		if err != nil {
			return "", fmt.Errorf("the secret '%s' cannot be decrypted: %w", key, err)
		}
		s.masks.Add(plain)
		return plain, nil
	}
	if v, ok := s.env[strings.ToUpper(key)]; ok {
		return v, nil
	}
	return "", fmt.Errorf("%w for key '%s'", ErrNotFound, key)
}

func parent(ns string) string {
	i := strings.LastIndexByte(ns, '.')
	if i < 0 {
		return ""
	}
	return ns[:i]
}

// maxPrevious is how many former values of a secret are kept.
const maxPrevious = 10

// Put stores a secret in a namespace. backend.ErrConflict if somebody else stores it at the same time.
func (s *Store) Put(ctx context.Context, tenant, namespace, key, plain, description string, tags map[string]string) error {
	if s.Encrypt == nil {
		return errors.New("secrets cannot be stored without an encryption key: set kestra.encryption.secret-key")
	}
	sealed, err := s.Encrypt(plain)
	if err != nil {
		return err
	}
	s.masks.Add(plain)
	next := stored{Value: sealed, Description: description, Tags: tags}
	expect := 0
	switch d, err := s.Docs.Get(ctx, Kind, tenant, namespace, key); {
	case err == nil:
		var old stored
		if err := json.Unmarshal(d.Body, &old); err != nil {
			return err
		}
		expect = d.Version
		next.Previous = append([]string{old.Value}, old.Previous...)
		next.Previous = next.Previous[:min(len(next.Previous), maxPrevious)]
	case !errors.Is(err, backend.ErrNotFound):
		return err
	}
	raw, err := json.Marshal(next)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	_, err = s.Docs.Put(ctx, backend.Document{
		Kind: Kind, Tenant: tenant, Namespace: namespace, ID: key, Body: raw, Text: description, Created: now, Updated: now,
	}, expect)
	return err
}

// Learn makes all stored secrets known to the masks, also their former values: what was written with them may be read at
// any time. One that cannot be decrypted is passed over; it cannot be revealed either.
func (s *Store) Learn(ctx context.Context, tenant string) error {
	if s.Decrypt == nil {
		return nil
	}
	q := backend.Query{Tenant: tenant, Page: 1, Size: 1000, Sort: []backend.Sort{{By: "id"}}, NoTotal: true}
	for {
		page, err := s.Docs.Search(ctx, Kind, q)
		if err != nil {
			return err
		}
		for _, d := range page.Results {
			var b stored
			if json.Unmarshal(d.Body, &b) != nil {
				continue
			}
			for _, sealed := range append([]string{b.Value}, b.Previous...) {
				if plain, err := s.Decrypt(sealed); err == nil {
					s.masks.Add(plain)
				}
			}
		}
		if page.Cursor == "" || len(page.Results) < q.Size {
			return nil
		}
		q.After = page.Cursor
	}
}

// Delete removes a stored secret. backend.ErrNotFound if there is none.
func (s *Store) Delete(ctx context.Context, tenant, namespace, key string) error {
	return s.Docs.Delete(ctx, Kind, tenant, namespace, key)
}
