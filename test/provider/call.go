package main

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

// As the established driver has it: waits until somebody listens, and tries UNAVAILABLE again.
const serviceConfig = `{"methodConfig":[{"name":[{"service":"v1alpha1.CSIDriverProvider"}],"waitForReady":true,"retryPolicy":{
	"maxAttempts":3,"initialBackoff":"1s","maxBackoff":"10s","backoffMultiplier":1.1,"retryableStatusCodes":["UNAVAILABLE"]}}]}`

// outcome is what `call` prints, whatever came of it.
type outcome struct {
	Code       string         `json:"code"`
	Message    string         `json:"message"`
	DurationMs int64          `json:"durationMs"`
	Bytes      int            `json:"bytes"`
	Version    *version       `json:"version,omitempty"`
	Mount      *mountResponse `json:"mount,omitempty"`
	Health     string         `json:"health,omitempty"`
}

type version struct {
	Version        string `json:"version"`
	RuntimeName    string `json:"runtimeName"`
	RuntimeVersion string `json:"runtimeVersion"`
}

func call(args []string) {
	flags := flag.NewFlagSet("call", flag.ExitOnError)
	socket := flags.String("socket", "", "the provider's socket")
	authority := flags.String("authority", "localhost", "the :authority of calls")
	timeout := flags.Duration("timeout", 10*time.Second, "deadline of the call; 0 is none")
	limit := flags.Int("max-recv", 4<<20, "largest answer")
	apiVersion := flags.String("api-version", "v1alpha1", "of a version call")
	service := flags.String("service", "", "of a health call")
	var request mountRequest
	flags.StringVar(&request.Attributes, "attributes", "{}", "JSON")
	flags.StringVar(&request.Secrets, "secrets", "null", "JSON, or null")
	flags.StringVar(&request.TargetPath, "target", "", "target_path")
	flags.StringVar(&request.Permission, "permission", "420", "JSON number")
	current := flags.String("current", "[]", `current_object_version: JSON, [{"id":"","version":""}]`)
	if len(args) < 1 {
		usage()
	}
	what := args[0]
	if err := flags.Parse(args[1:]); err != nil {
		fail(err)
	}
	if err := json.Unmarshal([]byte(*current), &request.Current); err != nil {
		fail(err)
	}
	connection, err := grpc.NewClient("unix:"+*socket,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithAuthority(*authority),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(*limit)),
	)
	if err != nil {
		fail(err)
	}
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if *timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, *timeout)
	}
	defer cancel()
	var result outcome
	startedAt := time.Now()
	switch what {
	case "version":
		err = callVersion(ctx, connection, *apiVersion, &result)
	case "mount":
		err = callMount(ctx, connection, request, &result)
	case "health":
		err = callHealth(ctx, connection, *service, &result)
	default:
		usage()
	}
	result.DurationMs = time.Since(startedAt).Milliseconds()
	answer := status.Convert(err)
	result.Code, result.Message = answer.Code().String(), answer.Message()
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		fail(err)
	}
	if err != nil {
		os.Exit(1)
	}
}

func invoke(ctx context.Context, connection *grpc.ClientConn, method string, request []byte) ([]byte, error) {
	var response []byte
	err := connection.Invoke(ctx, method, &request, &response, grpc.ForceCodec(rawCodec{}))
	return response, err
}

func callVersion(ctx context.Context, connection *grpc.ClientConn, apiVersion string, result *outcome) error {
	response, err := invoke(ctx, connection, versionMethod, appendText(nil, 1, apiVersion))
	if err != nil {
		return err
	}
	texts, err := decodeTexts(response)
	result.Bytes = len(response)
	result.Version = &version{Version: texts[1], RuntimeName: texts[2], RuntimeVersion: texts[protowire.Number(3)]}
	return err
}

func callMount(ctx context.Context, connection *grpc.ClientConn, request mountRequest, result *outcome) error {
	response, err := invoke(ctx, connection, mountMethod, request.encode())
	if err != nil {
		return err
	}
	answer, err := decodeMountResponse(response)
	result.Bytes, result.Mount = len(response), &answer
	return err
}

func callHealth(ctx context.Context, connection *grpc.ClientConn, service string, result *outcome) error {
	request := &grpc_health_v1.HealthCheckRequest{Service: service}
	response, err := grpc_health_v1.NewHealthClient(connection).Check(ctx, request, grpc.WaitForReady(true))
	result.Health = response.GetStatus().String()
	if err != nil {
		result.Health = ""
	}
	return err
}
