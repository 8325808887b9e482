package schema

import (
	"github.com/datastax/go-cassandra-native-protocol/datatype"
	"github.com/datastax/go-cassandra-native-protocol/primitive"

	"github.com/chatlab/chatlab/sim/cassandra/cql"
	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
)

// Type is the type of a column.
type Type = datatype.DataType

// ParseType turns a type as it is written into the type itself.
func ParseType(t cql.Type) (Type, error) {
	if t.Name == "set" && len(t.Args) == 1 {
		element, err := ParseType(t.Args[0])
		if err != nil {
			return nil, err
		}
		if !Sortable(element) {
			return nil, cqlerror.Invalid("type %s is not supported by this server", t)
		}
		return datatype.NewSet(element), nil
	}
	if typ := scalar(t.Name); typ != nil && t.Args == nil {
		return typ, nil
	}
	return nil, cqlerror.Invalid("type %s is not supported by this server", t)
}

func scalar(name string) Type {
	switch name {
	case "ascii":
		return datatype.Ascii
	case "bigint":
		return datatype.Bigint
	case "blob":
		return datatype.Blob
	case "boolean":
		return datatype.Boolean
	case "double":
		return datatype.Double
	case "float":
		return datatype.Float
	case "int":
		return datatype.Int
	case "smallint":
		return datatype.Smallint
	case "text", "varchar":
		return datatype.Varchar
	case "timestamp":
		return datatype.Timestamp
	case "timeuuid":
		return datatype.Timeuuid
	case "tinyint":
		return datatype.Tinyint
	case "uuid":
		return datatype.Uuid
	}
	return nil
}

// Name writes a type as system_schema does.
func Name(t Type) string {
	if e := ElementType(t); e != nil {
		return "set<" + Name(e) + ">"
	}
	if t.Code() == primitive.DataTypeCodeVarchar {
		return "text"
	}
	return t.AsCql()
}

// ElementType is the type of a set's elements, nil if t is no set.
func ElementType(t Type) Type {
	if s, ok := t.(*datatype.Set); ok {
		return s.ElementType
	}
	return nil
}

// Sortable tells whether values of the type have an order here, which keys and elements of sets need.
func Sortable(t Type) bool {
	switch t.Code() {
	case primitive.DataTypeCodeSet, primitive.DataTypeCodeFloat, primitive.DataTypeCodeDouble:
		return false
	}
	return true
}

// width is the number of bytes of every value of the type, 0 if they differ.
func width(t Type) int {
	switch t.Code() {
	case primitive.DataTypeCodeBoolean, primitive.DataTypeCodeTinyint:
		return 1
	case primitive.DataTypeCodeSmallint:
		return 2
	case primitive.DataTypeCodeInt, primitive.DataTypeCodeFloat:
		return 4
	case primitive.DataTypeCodeBigint, primitive.DataTypeCodeTimestamp, primitive.DataTypeCodeDouble:
		return 8
	case primitive.DataTypeCodeUuid, primitive.DataTypeCodeTimeuuid:
		return 16
	}
	return 0
}
