// Package table owns what a table is, with the semantics of DynamoDB: attribute values and their numbers, schemas and keys, the expressions
// that conditions, updates, filters, projections and key conditions are written in, and what every operation wants and gives. It is
// pure: it reads no clock, keeps nothing and waits for nobody. Where items lie is the business of a platform.
//
// # Promises
//
//   - What DynamoDB accepts is accepted and what it refuses is refused, with its exception names and texts: every refusal is an *Error.
//   - Numbers are exact decimals of up to 38 digits; no float comes near them.
//   - Expressions are parsed in time and memory that grow with their length, which is bounded; evaluating one changes nothing it was given.
package table

// Item is the attributes of an item by name. An item that was returned or handed in is not changed any more.
type Item map[string]Value

// Bounds that the developer guide of DynamoDB gives (Quotas in Amazon DynamoDB).
const (
	MaxItemBytes       = 400 << 10 // of an item, as Size counts
	MaxPartitionKey    = 2048      // bytes of a partition key
	MaxSortKey         = 1024      // bytes of a sort key
	MaxDepth           = 32        // levels of lists and maps within each other
	MaxExpressionBytes = 4 << 10   // of an expression
	MaxOperators       = 300       // operators and functions in an expression
	MaxInOperands      = 100       // values of one IN
	MaxPageBytes       = 1 << 20   // of items that one Query or Scan reads
	MaxBatchGet        = 100       // keys of one BatchGetItem
	MaxBatchWrite      = 25        // requests of one BatchWriteItem
	MaxTransaction     = 100       // actions of one transaction
	MaxTransactBytes   = 4 << 20   // of the items of one transaction
	MaxBatchGetBytes   = 16 << 20  // of items that one BatchGetItem returns
)
