/* stored.h - the stored form of a graph, shared by who writes it (encode.c) and who reads it (decode.c)
 *
 *     "WDAG" format workdir
 *     arrays:    count { RANGE count first step | LISTED count value... }
 *     task_count
 *     instances: count { name step first count+1 fans_out dims_of sized_by+1 dims { name count+1 stride array } }
 *     deps:      count { from to kind result cause after+1 [groups | predecessors] }
 *     crc32c of all of it
 *
 * What was expanded is stored: values, counts, ordinals, edges. What follows from that and from the workflow (order, parts,
 * weights, the other direction of listed edges) is made again. Numbers are varints; where a number may be
 * NONE or DAG_UNSIZED it is stored as one more, and that as 0. A dimension's array is its number + 1, or 0.
 */
#ifndef WF_DAG_STORED_H
#define WF_DAG_STORED_H

#include "dag/graph.h"

#define STORED_MAGIC "WDAG"
enum { STORED_MAGIC_LEN = 4, STORED_CRC_LEN = 4, STORED_FORMAT = 1 };
enum { STORED_LISTED = 0, STORED_RANGE = 1 };
enum { STORED_HAS_TEXT = 16 };         /* beside a value's kind */

#endif
