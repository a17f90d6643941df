// Which entries of a and b an entry of a batched product is of. Goes before the products' own files.
//
// Entry e of y is number `e % inner` of outer entry `e / inner`; with each step outwards and inwards an operand moves by
// that many of its own entries: by none where they share it (numpy.matmul's broadcasting).

#define BATCH_PARAMETERS const int inner, const int aOuter, const int aInner, const int bOuter, const int bInner
#define ENTRY_OF_A(entry) ((entry) / inner * aOuter + (entry) % inner * aInner)
#define ENTRY_OF_B(entry) ((entry) / inner * bOuter + (entry) % inner * bInner)
