package main

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// The messages of v1alpha1 by hand, so that a slip in our own .proto file is not repeated here. Field numbers are the wire's.

const (
	versionMethod = "/v1alpha1.CSIDriverProvider/Version"
	mountMethod   = "/v1alpha1.CSIDriverProvider/Mount"
)

// rawCodec hands bytes through: messages are encoded by hand.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(value any) ([]byte, error) { return *value.(*[]byte), nil }

func (rawCodec) Unmarshal(data []byte, value any) error {
	*value.(*[]byte) = append([]byte(nil), data...)
	return nil
}

type objectVersion struct {
	ID      string `json:"id"`
	Version string `json:"version"`
}

type file struct {
	Path string `json:"path"`
	// Permission bits, decimal.
	Mode     int32  `json:"mode"`
	Contents []byte `json:"contents"`
}

type mountRequest struct {
	Attributes string          `json:"attributes"`
	Secrets    string          `json:"secrets"`
	TargetPath string          `json:"targetPath"`
	Permission string          `json:"permission"`
	Current    []objectVersion `json:"currentObjectVersion"`
}

type mountResponse struct {
	Versions []objectVersion `json:"objectVersion"`
	Error    string          `json:"error"`
	Files    []file          `json:"files"`
}

func (r mountRequest) encode() []byte {
	var out []byte
	for number, text := range []string{r.Attributes, r.Secrets, r.TargetPath, r.Permission} {
		out = appendText(out, protowire.Number(number+1), text)
	}
	for _, version := range r.Current {
		out = appendBytes(out, 5, version.encode())
	}
	return out
}

func (r mountResponse) encode() []byte {
	var out []byte
	for _, version := range r.Versions {
		out = appendBytes(out, 1, version.encode())
	}
	if r.Error != "" {
		out = appendBytes(out, 2, appendText(nil, 1, r.Error))
	}
	for _, f := range r.Files {
		out = appendBytes(out, 3, f.encode())
	}
	return out
}

func (v objectVersion) encode() []byte { return appendText(appendText(nil, 1, v.ID), 2, v.Version) }

func (f file) encode() []byte {
	out := appendText(nil, 1, f.Path)
	if f.Mode != 0 {
		out = protowire.AppendTag(out, 2, protowire.VarintType)
		// int32 is sign-extended on the wire.
		out = protowire.AppendVarint(out, uint64(int64(f.Mode)))
	}
	if len(f.Contents) > 0 {
		out = appendBytes(out, 3, f.Contents)
	}
	return out
}

func decodeMountRequest(data []byte) (mountRequest, error) {
	var r mountRequest
	err := eachField(data, func(number protowire.Number, value []byte, _ uint64) error {
		switch number {
		case 1:
			r.Attributes = string(value)
		case 2:
			r.Secrets = string(value)
		case 3:
			r.TargetPath = string(value)
		case 4:
			r.Permission = string(value)
		case 5:
			version, err := decodeVersion(value)
			r.Current = append(r.Current, version)
			return err
		}
		return nil
	})
	return r, err
}

func decodeMountResponse(data []byte) (mountResponse, error) {
	r := mountResponse{Versions: []objectVersion{}, Files: []file{}}
	err := eachField(data, func(number protowire.Number, value []byte, _ uint64) error {
		switch number {
		case 1:
			version, err := decodeVersion(value)
			r.Versions = append(r.Versions, version)
			return err
		case 2:
			texts, err := decodeTexts(value)
			r.Error = texts[1]
			return err
		case 3:
			f, err := decodeFile(value)
			r.Files = append(r.Files, f)
			return err
		}
		return nil
	})
	return r, err
}

func decodeVersion(data []byte) (objectVersion, error) {
	texts, err := decodeTexts(data)
	return objectVersion{ID: texts[1], Version: texts[2]}, err
}

func decodeFile(data []byte) (file, error) {
	f := file{Contents: []byte{}}
	err := eachField(data, func(number protowire.Number, value []byte, numeric uint64) error {
		switch number {
		case 1:
			f.Path = string(value)
		case 2:
			f.Mode = int32(numeric)
		case 3:
			f.Contents = append([]byte{}, value...)
		}
		return nil
	})
	return f, err
}

func decodeTexts(data []byte) (map[protowire.Number]string, error) {
	texts := map[protowire.Number]string{}
	err := eachField(data, func(number protowire.Number, value []byte, _ uint64) error {
		texts[number] = string(value)
		return nil
	})
	return texts, err
}

func eachField(data []byte, take func(number protowire.Number, value []byte, numeric uint64) error) error {
	for len(data) > 0 {
		number, kind, length := protowire.ConsumeTag(data)
		if length < 0 {
			return errors.New("the message is no protobuf")
		}
		data = data[length:]
		var value []byte
		var numeric uint64
		switch kind {
		case protowire.BytesType:
			value, length = protowire.ConsumeBytes(data)
		case protowire.VarintType:
			numeric, length = protowire.ConsumeVarint(data)
		default:
			return fmt.Errorf("field %d has wire type %d, which the protocol does not use", number, kind)
		}
		if length < 0 {
			return fmt.Errorf("field %d ends too early", number)
		}
		data = data[length:]
		if err := take(number, value, numeric); err != nil {
			return err
		}
	}
	return nil
}

func appendText(out []byte, number protowire.Number, text string) []byte {
	if text == "" {
		return out
	}
	return protowire.AppendString(protowire.AppendTag(out, number, protowire.BytesType), text)
}

func appendBytes(out []byte, number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(out, number, protowire.BytesType), value)
}
