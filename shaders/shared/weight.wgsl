// The format of weight rows: `value k = scale(row, k / GROUP).x * quad(row, k / GROUP, (k % GROUP) / 4)[k % 4]
// - scale(row, k / GROUP).y`, where row is the row's first word in w.
#ifdef f32
#import weight_f32
#endif
#ifdef f16
#import weight_f16
#endif
#ifdef bf16
#import weight_bf16
#endif
#ifdef q8_0
#import weight_q8_0
#endif
#ifdef q4_0
#import weight_q4_0
#endif
#ifdef q4_k
#import weight_q4_k
#endif
#ifdef q6_k
#import weight_q6_k
#endif
