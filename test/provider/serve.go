package main

import (
	"context"
	"encoding/json"
	"flag"
	"math"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// command says how a call is to be answered; the zero value is a well-behaved answer of no files and no versions.
type command struct {
	// First of all: how long nothing happens; a caller who leaves ends that.
	DelayMs int `json:"delayMs"`
	// The process ends, without an answer.
	Dies bool `json:"dies"`
	// The call fails; with `times` only so many calls of this process, those after it are answered.
	Fails *failure `json:"fails"`
	// Files that the provider writes by itself, below target_path.
	Writes map[string]string `json:"writes"`
	// After that: the call fails, the files stay.
	FailsAfterWriting *failure        `json:"failsAfterWriting"`
	Versions          []objectVersion `json:"objectVersion"`
	Error             string          `json:"error"`
	// Contents are text here.
	Files []textFile `json:"files"`
	// So many more files, `filler-<n>`, of so many bytes each.
	Fill *filler `json:"fill"`
	// Bytes that are put before the encoded answer, base64.
	Raw []byte `json:"raw"`
}

type failure struct {
	Code    uint32 `json:"code"`
	Message string `json:"message"`
	Times   int    `json:"times"`
}

type textFile struct {
	Path     string `json:"path"`
	Mode     int32  `json:"mode"`
	Contents string `json:"contents"`
}

type filler struct {
	Count int `json:"count"`
	Bytes int `json:"bytes"`
}

// seen is a line of the record: what arrived, and how.
type seen struct {
	Method      string `json:"method"`
	Authority   string `json:"authority"`
	HasDeadline bool   `json:"hasDeadline"`
	// "begun", then "left" for a caller who did not wait.
	Event string `json:"event"`
	mountRequest
}

type provider struct {
	authority string
	control   string
	record    string
	mutex     sync.Mutex
	failed    int
}

func serve(args []string) {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	var p provider
	socket := flags.String("socket", "", "where to listen; a file that is there is removed")
	flags.StringVar(&p.authority, "authority", "localhost", "the only :authority that is served; empty for any")
	flags.StringVar(&p.control, "control", "", "file with the command for calls without the attribute `answer`; read at each call")
	flags.StringVar(&p.record, "record", "", "file that gets a line of JSON for each call")
	if err := flags.Parse(args); err != nil {
		fail(err)
	}
	if err := os.RemoveAll(*socket); err != nil {
		fail(err)
	}
	listener, err := net.Listen("unix", *socket)
	if err != nil {
		fail(err)
	}
	server := grpc.NewServer(grpc.ForceServerCodec(rawCodec{}), grpc.MaxRecvMsgSize(math.MaxInt32))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "v1alpha1.CSIDriverProvider",
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{
			{MethodName: "Version", Handler: handler(p.version)},
			{MethodName: "Mount", Handler: handler(p.mount)},
		},
	}, &p)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stop
		server.Stop()
	}()
	os.Stdout.WriteString("listening\n")
	if err := server.Serve(listener); err != nil {
		fail(err)
	}
}

type answer func(ctx context.Context, request []byte) ([]byte, error)

func handler(give answer) func(any, context.Context, func(any) error, grpc.UnaryServerInterceptor) (any, error) {
	return func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		var request []byte
		if err := decode(&request); err != nil {
			return nil, err
		}
		response, err := give(ctx, request)
		if err != nil {
			return nil, err
		}
		return &response, nil
	}
}

func (p *provider) version(ctx context.Context, request []byte) ([]byte, error) {
	texts, err := decodeTexts(request)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if err := p.begin(ctx, versionMethod, mountRequest{}); err != nil {
		return nil, err
	}
	if texts[1] != "v1alpha1" {
		return nil, status.Errorf(codes.InvalidArgument, "version %q", texts[1])
	}
	command, err := p.commandOf("")
	if err != nil {
		return nil, err
	}
	if err := p.misbehave(ctx, versionMethod, command, ""); err != nil {
		return nil, err
	}
	return appendText(appendText(appendText(nil, 1, texts[1]), 2, "misbehaving"), 3, "0.0.1"), nil
}

func (p *provider) mount(ctx context.Context, data []byte) ([]byte, error) {
	request, err := decodeMountRequest(data)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if err := p.begin(ctx, mountMethod, request); err != nil {
		return nil, err
	}
	var attributes map[string]string
	if err := json.Unmarshal([]byte(request.Attributes), &attributes); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "attributes: %v", err)
	}
	var secrets map[string]string
	if err := json.Unmarshal([]byte(request.Secrets), &secrets); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "secrets: %v", err)
	}
	var permission os.FileMode
	if err := json.Unmarshal([]byte(request.Permission), &permission); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "permission: %v", err)
	}
	command, err := p.commandOf(attributes["answer"])
	if err != nil {
		return nil, err
	}
	if err := p.misbehave(ctx, mountMethod, command, request.TargetPath); err != nil {
		return nil, err
	}
	return append(command.Raw, command.response().encode()...), nil
}

func (c command) response() mountResponse {
	response := mountResponse{Versions: c.Versions, Error: c.Error}
	for _, f := range c.Files {
		response.Files = append(response.Files, file{Path: f.Path, Mode: f.Mode, Contents: []byte(f.Contents)})
	}
	if c.Fill != nil {
		for number := range c.Fill.Count {
			name := "filler-" + strconv.Itoa(number)
			response.Files = append(response.Files, file{Path: name, Mode: 0o644, Contents: make([]byte, c.Fill.Bytes)})
		}
	}
	return response
}

// begin notes the call and refuses a foreign authority, as some providers do.
func (p *provider) begin(ctx context.Context, method string, request mountRequest) error {
	authority := ""
	if headers, ok := metadata.FromIncomingContext(ctx); ok {
		authority = strings.Join(headers.Get(":authority"), ",")
	}
	_, hasDeadline := ctx.Deadline()
	p.note(seen{Method: method, Authority: authority, HasDeadline: hasDeadline, Event: "begun", mountRequest: request})
	if p.authority != "" && authority != p.authority {
		return status.Errorf(codes.InvalidArgument, "authority %q is not %q", authority, p.authority)
	}
	return nil
}

func (p *provider) commandOf(attribute string) (command, error) {
	text := []byte(attribute)
	if attribute == "" && p.control != "" {
		read, err := os.ReadFile(p.control)
		if err != nil {
			return command{}, status.Error(codes.Internal, err.Error())
		}
		text = read
	}
	var parsed command
	if len(text) == 0 {
		return parsed, nil
	}
	if err := json.Unmarshal(text, &parsed); err != nil {
		return parsed, status.Errorf(codes.InvalidArgument, "answer: %v", err)
	}
	return parsed, nil
}

func (p *provider) misbehave(ctx context.Context, method string, c command, target string) error {
	select {
	case <-time.After(time.Duration(c.DelayMs) * time.Millisecond):
	case <-ctx.Done():
		p.note(seen{Method: method, Event: "left"})
		return status.FromContextError(ctx.Err()).Err()
	}
	if c.Dies {
		os.Exit(3)
	}
	if err := p.failing(c.Fails); err != nil {
		return err
	}
	for name, text := range c.Writes {
		path := filepath.Join(target, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return status.Error(codes.Internal, err.Error())
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return status.Error(codes.Internal, err.Error())
		}
	}
	return p.failing(c.FailsAfterWriting)
}

func (p *provider) failing(f *failure) error {
	if f == nil {
		return nil
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if f.Times > 0 && p.failed >= f.Times {
		return nil
	}
	p.failed++
	return status.Error(codes.Code(f.Code), f.Message)
}

func (p *provider) note(line seen) {
	if p.record == "" {
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	out, err := os.OpenFile(p.record, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		fail(err)
	}
	defer out.Close()
	if err := json.NewEncoder(out).Encode(line); err != nil {
		fail(err)
	}
}
